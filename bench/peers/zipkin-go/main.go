// SPDX-License-Identifier: Apache-2.0

// main.go - the same span as bench/span.c and bench/deliver.c make, with zipkin-go: its cost and what it delivers.
//
//	zipkin-go cost                  ns a span, in bursts, with a reporter that does nothing
//	zipkin-go deliver URL SPANS     spans to a collector by its HTTP reporter; one line of JSON at the end
package main

import (
	"fmt"
	"io/ioutil"
	"log"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync/atomic"
	"time"

	zipkin "github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/reporter"
	zipkinhttp "github.com/openzipkin/zipkin-go/reporter/http"
)

const (
	rounds = 301
	burst  = 2000
)

func newTracer(to reporter.Reporter, sampled bool) (*zipkin.Tracer, model.SpanContext) {
	endpoint, err := zipkin.NewEndpoint("bench", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	tracer, err := zipkin.NewTracer(to, zipkin.WithLocalEndpoint(endpoint), zipkin.WithTraceID128Bit(true))
	if err != nil {
		log.Fatal(err)
	}
	parent := model.SpanContext{
		TraceID: model.TraceID{High: 0x463ac35c9f6413ad, Low: 0x48485a3953bb6124},
		ID:      model.ID(0xa2fb4a1d1a96d312),
		Sampled: &sampled,
	}
	return tracer, parent
}

func makeSpan(tracer *zipkin.Tracer, parent model.SpanContext) {
	span := tracer.StartSpan("get /users/:id", zipkin.Kind(model.Client), zipkin.Parent(parent))
	span.Tag("http.method", "GET")
	span.Tag("http.path", "/users/42/profile")
	span.Tag("http.status_code", strconv.Itoa(200))
	span.Finish()
}

// cost prints the minimum and the median, in ns a span, and what the heap gave for one.
func cost(what string, sampled bool) {
	tracer, parent := newTracer(reporter.NewNoopReporter(), sampled)
	times := make([]float64, rounds)
	for round := range times {
		begin := time.Now()
		for i := 0; i < burst; i++ {
			makeSpan(tracer, parent)
		}
		times[round] = float64(time.Since(begin).Nanoseconds()) / burst
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < burst; i++ {
		makeSpan(tracer, parent)
	}
	runtime.ReadMemStats(&after)
	sort.Float64s(times)
	fmt.Printf("| %s | %.1f | %.1f | %d bytes in %d allocations |\n", what, times[0], times[rounds/2],
		(after.TotalAlloc-before.TotalAlloc)/burst, (after.Mallocs-before.Mallocs)/burst)
}

// counted is a transport that knows how many requests have been answered, for waiting until all spans are sent.
type counted struct {
	answered int64
	failed   int64
}

func (c *counted) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		atomic.AddInt64(&c.failed, 1)
	} else {
		atomic.AddInt64(&c.answered, 1)
	}
	return response, err
}

// deliver makes spans as fast as the reporter takes them. Its backlog is as long as the whole run, so that it loses
// nothing; batches of 1,000 suit it best.
func deliver(url string, spans int) {
	transport := &counted{}
	to := zipkinhttp.NewReporter(url, zipkinhttp.BatchSize(1000), zipkinhttp.MaxBacklog(spans),
		zipkinhttp.Client(&http.Client{Timeout: 10 * time.Second, Transport: transport}),
		zipkinhttp.Logger(log.New(ioutil.Discard, "", 0)))
	tracer, parent := newTracer(to, true)
	begin := time.Now()
	for i := 0; i < spans; i++ {
		makeSpan(tracer, parent)
	}
	produced := time.Since(begin)
	if err := to.Close(); err != nil {
		log.Fatal(err)
	}
	total := time.Since(begin)
	fmt.Printf("{\"spans\":%d,\"seconds\":%.6f,\"producing_seconds\":%.6f,\"requests\":%d,\"failed\":%d}\n", spans,
		total.Seconds(), produced.Seconds(), transport.answered, transport.failed)
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "cost":
		fmt.Printf("%s, GOMAXPROCS %d\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
		fmt.Println("| zipkin-go, reporter that does nothing | min ns | median ns | heap a span |")
		fmt.Println("|---|---|---|---|")
		cost("sampled, 3 tags", true)
		cost("unsampled, 3 tags", false)
	case len(os.Args) == 4 && os.Args[1] == "deliver":
		spans, err := strconv.Atoi(os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		deliver(os.Args[2], spans)
	default:
		fmt.Fprintln(os.Stderr, "usage: zipkin-go cost | zipkin-go deliver URL SPANS")
		os.Exit(2)
	}
}
