// DivakRequestContext.swift - Hummingbird's basic context, which knows who is asking.
// SPDX-License-Identifier: Apache-2.0

#if Hummingbird
public import Hummingbird
public import NIOCore

/// A context that knows the address at the other end of the connection, for spans and access logs.
///
/// ```swift
/// let router = Router(context: DivakRequestContext.self)
/// ```
///
/// A context of your own does the same by conforming to Hummingbird's `RemoteAddressRequestContext`.
public struct DivakRequestContext: RequestContext, RemoteAddressRequestContext {
    /// What Hummingbird keeps.
    public var coreContext: CoreRequestContextStorage
    /// The other end of the connection.
    public let remoteAddress: SocketAddress?

    /// A context for a request that came over a channel.
    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
#endif
