package main

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A tally counts while a generator runs. sent, answered and the histogram are about queries that were due in the
// window; matched and wrong about every reply since the start.
type tally struct {
	sent, answered int64
	matched, wrong int64
	stray, refused int64
	lateSends      int64
	passes, idle   int64
	example        string
	latency        *hdrhistogram.Histogram
}

const (
	maxLatency = int64(10 * time.Second)
	// A send this much behind its time says that the generator was not given its core.
	lateAfter = 200 * time.Microsecond
)

func newTally() tally { return tally{latency: hdrhistogram.New(100, maxLatency, 3)} }

func (t *tally) record(ns int64) { _ = t.latency.RecordValue(min(max(ns, 0), maxLatency)) }

func (t *tally) late(ns float64, n int) {
	if ns > float64(lateAfter) {
		t.lateSends += int64(n)
	}
}

// pass counts one look at the sockets: those that found nothing are the generator's spare time.
func (t *tally) pass(answers int) {
	t.passes++
	if answers == 0 {
		t.idle++
	}
}

// A measurement is what one window showed. Latencies are in µs.
type measurement struct {
	Sent     int64   `json:"sent"`
	Answered int64   `json:"answered"`
	Lost     int64   `json:"lost"`
	Wrong    int64   `json:"wrong"`
	Void     bool    `json:"void"`
	Example  string  `json:"example,omitempty"`
	Seconds  float64 `json:"seconds"`
	QPS      float64 `json:"qps"`
	CPU      float64 `json:"cpu_us_per_query"`
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	P999     float64 `json:"p999_us"`
	Late     int64   `json:"late_sends"`
	Stray    int64   `json:"stray"`
	Idle     float64 `json:"generator_idle"`
}

// measurement sums up: cpu was spent over the given number of answers, in a window of the given length.
func (t *tally) measurement(cpu time.Duration, answers int64, window time.Duration) measurement {
	q := func(p float64) float64 { return float64(t.latency.ValueAtQuantile(p)) / 1e3 }
	m := measurement{
		Sent: t.sent, Answered: t.answered, Lost: t.sent - t.answered, Wrong: t.wrong, Example: t.example,
		Void: t.wrong > 0 || answers == 0, Seconds: window.Seconds(), Late: t.lateSends, Stray: t.stray,
		P50: q(50), P99: q(99), P999: q(99.9),
	}
	if answers == 0 && m.Example == "" {
		m.Example = "no answers"
	}
	if answers > 0 {
		m.QPS = float64(answers) / window.Seconds()
		m.CPU = float64(cpu.Nanoseconds()) / 1e3 / float64(answers)
	}
	if t.passes > 0 {
		m.Idle = float64(t.idle) / float64(t.passes)
	}
	return m
}

// describe names the query that was answered wrongly.
func describe(q []byte, w want, err error) string {
	kind := "A"
	if w&wantTXT != 0 {
		kind = "TXT"
	}
	if w&wantEDNS != 0 {
		kind += " with EDNS"
	}
	name := ""
	for off := headerLen; off < len(q) && q[off] != 0; off += 1 + int(q[off]) {
		name += string(q[off+1:off+1+int(q[off])]) + "."
	}
	return fmt.Sprintf("%s %s: %v", name, kind, err)
}
