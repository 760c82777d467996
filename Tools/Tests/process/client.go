// SPDX-License-Identifier: Apache-2.0

// client ADDRESS - records three spans with zipkin-go, sends them with its HTTP reporter, reads them back from the
// collector's API with its model, and prints what it got. Exit status 1 when anything is not as it was recorded.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	zipkin "github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/model"
	reporter "github.com/openzipkin/zipkin-go/reporter/http"
)

func fail(what string, detail interface{}) {
	fmt.Fprintln(os.Stderr, "client:", what, detail)
	os.Exit(1)
}

func main() {
	address := os.Args[1]
	sender := reporter.NewReporter(address + "/api/v2/spans")
	endpoint, err := zipkin.NewEndpoint("Go-Client", "127.0.0.1:8080")
	if err != nil {
		fail("endpoint", err)
	}
	tracer, err := zipkin.NewTracer(sender, zipkin.WithLocalEndpoint(endpoint), zipkin.WithTraceID128Bit(true))
	if err != nil {
		fail("tracer", err)
	}
	root := tracer.StartSpan("Root", zipkin.Kind(model.Server))
	child := tracer.StartSpan("Child", zipkin.Parent(root.Context()), zipkin.Kind(model.Client))
	child.Tag("http.method", "GET")
	child.Annotate(time.Now(), "retry")
	child.SetRemoteEndpoint(&model.Endpoint{ServiceName: "Database", Port: 5432})
	time.Sleep(2 * time.Millisecond)
	child.Finish()
	local := tracer.StartSpan("local", zipkin.Parent(root.Context()))
	local.Finish()
	root.Finish()
	if err := sender.Close(); err != nil {
		fail("close", err)
	}

	answer, err := http.Get(address + "/api/v2/trace/" + root.Context().TraceID.String())
	if err != nil {
		fail("get", err)
	}
	defer answer.Body.Close()
	var spans []model.SpanModel
	if err := json.NewDecoder(answer.Body).Decode(&spans); err != nil {
		fail("decode", err)
	}
	if len(spans) != 3 {
		fail("spans", len(spans))
	}
	for _, span := range spans {
		if span.TraceID != root.Context().TraceID || span.LocalEndpoint.ServiceName != "go-client" ||
			span.LocalEndpoint.Port != 8080 || span.LocalEndpoint.IPv4.String() != "127.0.0.1" {
			fail("span", span)
		}
		switch span.ID {
		case root.Context().ID:
			if span.Name != "root" || span.Kind != model.Server || span.ParentID != nil {
				fail("root", span)
			}
		case child.Context().ID:
			if span.Name != "child" || span.Kind != model.Client || *span.ParentID != root.Context().ID ||
				span.Tags["http.method"] != "GET" || span.Annotations[0].Value != "retry" ||
				span.RemoteEndpoint.ServiceName != "database" || span.RemoteEndpoint.Port != 5432 ||
				span.Duration < 2*time.Millisecond {
				fail("child", span)
			}
		}
	}
	fmt.Println("3 spans sent and read back by zipkin-go")
}
