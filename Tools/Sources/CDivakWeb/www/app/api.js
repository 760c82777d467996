// api.js - asks the collector, in Zipkin's own API. SPDX-License-Identifier: Apache-2.0

/** An answer that was no success, or none at all (status 0). */
export class ApiError extends Error {
    constructor(message, status) {
        super(message);
        this.status = status;
    }
}

async function get(path, parameters = {}, signal = undefined) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) {
        if (value !== undefined && value !== null && value !== "") query.set(key, value);
    }
    const text = query.size > 0 ? `${path}?${query}` : path;
    let response;
    try {
        response = await fetch(text, { headers: { accept: "application/json" }, signal });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new ApiError(`No answer from the collector at ${location.host}.`, 0);
    }
    if (!response.ok) {
        const said = (await response.text()).trim().slice(0, 500);
        throw new ApiError(said || `The collector answered ${response.status}.`, response.status);
    }
    try {
        return await response.json();
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new ApiError(`The collector's answer to ${path} is no JSON: ${error.message}`, response.status);
    }
}

const id = encodeURIComponent;

export const services = (signal) => get("/api/v2/services", {}, signal);
export const spanNames = (serviceName, signal) => get("/api/v2/spans", { serviceName }, signal);
export const traces = (query, signal) => get("/api/v2/traces", query, signal);
export const trace = (traceId, signal) => get(tracePath(traceId), {}, signal);
export const dependencies = (endTs, lookback, signal) => get("/api/v2/dependencies", { endTs, lookback }, signal);
export const tagKeys = (signal) => get("/api/v2/autocompleteKeys", {}, signal);
export const tagValues = (key, signal) => get("/api/v2/autocompleteValues", { key }, signal);
export const tracePath = (traceId) => `/api/v2/trace/${id(traceId)}`;
