// SPDX-License-Identifier: Apache-2.0

// decode [-count] FOLDER - reads each FOLDER/*.body as zipkin-go does, JSON or proto3 by its content type, and prints one
// JSON object a span: what a Zipkin model holds after decoding; with -count one line that says how many there were. Exit
// status 1 when anything was not understood, or nothing was there.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/golang/protobuf/proto"
	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/v2"
)

type annotation struct {
	Timestamp int64  `json:"timestamp"`
	Value     string `json:"value"`
}

type endpoint struct {
	Service string `json:"service"`
	IPv4    string `json:"ipv4"`
	IPv6    string `json:"ipv6"`
	Port    uint16 `json:"port"`
}

type span struct {
	TraceID     string            `json:"traceId"`
	ID          string            `json:"id"`
	ParentID    string            `json:"parentId"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Timestamp   int64             `json:"timestamp"`
	Duration    int64             `json:"duration"`
	Local       *endpoint         `json:"local"`
	Remote      *endpoint         `json:"remote"`
	Annotations []annotation      `json:"annotations"`
	Tags        map[string]string `json:"tags"`
	Debug       bool              `json:"debug"`
	Shared      bool              `json:"shared"`
	Payload     string            `json:"payload"`
}

func address(ip net.IP) string {
	if len(ip) == 0 {
		return ""
	}
	return ip.String()
}

func convertEndpoint(from *model.Endpoint) *endpoint {
	if from == nil {
		return nil
	}
	return &endpoint{from.ServiceName, address(from.IPv4), address(from.IPv6), from.Port}
}

func convert(from *model.SpanModel, debug bool, payload string) span {
	to := span{
		TraceID: from.TraceID.String(), ID: from.ID.String(), Kind: string(from.Kind), Name: from.Name,
		Duration: from.Duration.Nanoseconds() / 1000, Local: convertEndpoint(from.LocalEndpoint),
		Remote: convertEndpoint(from.RemoteEndpoint), Tags: from.Tags, Debug: debug, Shared: from.Shared,
		Payload: payload,
	}
	if from.ParentID != nil {
		to.ParentID = from.ParentID.String()
	}
	if to.Kind == "SPAN_KIND_UNSPECIFIED" {
		to.Kind = ""
	}
	if !from.Timestamp.IsZero() {
		to.Timestamp = from.Timestamp.UnixNano() / 1000
	}
	for _, one := range from.Annotations {
		to.Annotations = append(to.Annotations, annotation{one.Timestamp.UnixNano() / 1000, one.Value})
	}
	return to
}

func readBody(path string, isGzip bool) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !isGzip {
		return io.ReadAll(file)
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

// widenTraceIDs makes trace ids of 8 bytes, as Zipkin's own codec writes and reads them, ones of 16: this decoder knows
// no others. Without any, the body stays just as it came.
func widenTraceIDs(body []byte, list *zipkin_proto3.ListOfSpans) ([]byte, error) {
	any := false
	for _, one := range list.Spans {
		if len(one.TraceId) == 8 {
			one.TraceId = append(make([]byte, 8), one.TraceId...)
			any = true
		}
	}
	if !any {
		return body, nil
	}
	return proto.Marshal(list)
}

func decode(path string) ([]span, error) {
	headers, err := os.ReadFile(strings.TrimSuffix(path, ".body") + ".headers")
	if err != nil {
		return nil, err
	}
	lower := strings.ToLower(string(headers))
	body, err := readBody(path, strings.Contains(lower, "content-encoding: gzip"))
	if err != nil {
		return nil, err
	}
	payload := filepath.Base(path)
	var spans []span
	if strings.Contains(lower, "application/x-protobuf") {
		var list zipkin_proto3.ListOfSpans
		if err := proto.Unmarshal(body, &list); err != nil {
			return nil, err
		}
		body, err := widenTraceIDs(body, &list)
		if err != nil {
			return nil, err
		}
		// The model takes "debug" from the transport: that is in the list alone.
		models, err := zipkin_proto3.ParseSpans(body, false)
		if err != nil {
			return nil, err
		}
		for i, one := range models {
			spans = append(spans, convert(one, list.Spans[i].Debug, payload))
		}
		return spans, nil
	}
	var models []model.SpanModel
	if err := json.Unmarshal(body, &models); err != nil {
		return nil, err
	}
	for i := range models {
		spans = append(spans, convert(&models[i], models[i].Debug, payload))
	}
	return spans, nil
}

func main() {
	arguments := os.Args[1:]
	counts := len(arguments) > 0 && arguments[0] == "-count"
	if counts {
		arguments = arguments[1:]
	}
	if len(arguments) != 1 {
		fmt.Fprintln(os.Stderr, "usage: decode [-count] FOLDER")
		os.Exit(2)
	}
	paths, _ := filepath.Glob(filepath.Join(arguments[0], "*.body"))
	sort.Strings(paths)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	refused, decoded := 0, 0
	for _, path := range paths {
		spans, err := decode(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "zipkin-go refuses %s: %v\n", path, err)
			refused++
		}
		decoded += len(spans)
		for i := 0; i < len(spans) && !counts; i++ {
			encoder.Encode(&spans[i])
		}
	}
	if counts {
		fmt.Fprintf(out, "payloads %d spans %d refused %d\n", len(paths), decoded, refused)
	}
	out.Flush()
	if refused != 0 || decoded == 0 {
		os.Exit(1)
	}
}
