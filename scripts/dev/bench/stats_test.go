package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median(%v) = %v", c.in, got)
		}
	}
	in := []float64{2, 1}
	if median(in); in[0] != 2 {
		t.Error("median sorts its argument in place")
	}
}

func sampleRuns() []run {
	at := func(server string, round int, cpu float64, void bool) run {
		m := measurement{CPU: cpu, QPS: 1e6 / cpu, Sent: 100, Answered: 98, Lost: 2, Void: void}
		if void {
			m.Wrong, m.Example = 1, "wrong"
		}
		return run{"run", server, "saturated", round, m}
	}
	return []run{
		at("a", 1, 2, false), at("b", 1, 4, false), // ratio 2
		at("a", 2, 10, false), at("b", 2, 30, false), // 3: a slow round for both
		at("a", 3, 3, false), at("b", 3, 1000, true), // void
		at("a", 4, 2, false), at("b", 4, 8, false), // 4
		{"run", "b", "80000/s", 1, measurement{CPU: 77}}, // another load
	}
}

func TestSummaryTakesMediansAndRatiosWithinRounds(t *testing.T) {
	s := summarize(sampleRuns(), "b", "saturated", []string{"a", "b", "absent"})
	if s.Runs != 4 || s.Void != 1 || s.Wrong != 1 || s.Example != "wrong" || s.Sent != 400 || s.Answered != 392 || s.Lost != 8 {
		t.Errorf("counts: %+v", s)
	}
	if s.CPU != (spread{8, 4, 30}) {
		t.Errorf("CPU %+v", s.CPU)
	}
	if s.Ratio["a"] != (spread{3, 2, 4}) || s.Ratio["b"] != (spread{1, 1, 1}) {
		t.Errorf("ratios %+v", s.Ratio)
	}
	if _, ok := s.Ratio["absent"]; ok {
		t.Error("a ratio to a server that did not run")
	}
	back := summarize(sampleRuns(), "a", "saturated", []string{"b"}).Ratio["b"]
	if math.Abs(back.Median-1.0/3) > 1e-12 {
		t.Errorf("ratio the other way round: %+v", back)
	}
}

func TestMeasurementOfATally(t *testing.T) {
	c := newTally()
	c.sent, c.answered = 1000, 990
	for i := range 990 {
		c.record(int64(i+1) * 1000)
	}
	c.pass(0)
	c.pass(3)
	m := c.measurement(5*time.Millisecond, 1000, 2*time.Second)
	if m.Lost != 10 || m.CPU != 5 || m.QPS != 500 || m.Idle != 0.5 || m.Void {
		t.Errorf("%+v", m)
	}
	if math.Abs(m.P50-495) > 1 || math.Abs(m.P99-981) > 1 {
		t.Errorf("p50 %v, p99 %v", m.P50, m.P99)
	}
}

func TestTablesSayVoid(t *testing.T) {
	var out, results bytes.Buffer
	r := &report{out: &out, log: &bytes.Buffer{}, ndjson: json.NewEncoder(&results)}
	runs := append(sampleRuns(), run{"run", "c", "saturated", 1, measurement{Void: true, Wrong: 9, Example: "rcode 2, want 0"}})
	var all []summary
	for _, name := range []string{"a", "b", "c"} {
		s := summarize(runs, name, "saturated", []string{"a", "b", "c"})
		all = append(all, s)
		r.emit(s)
	}
	r.loadTable("saturated", all)
	r.ratioTable("ratios", all)
	for _, want := range []string{"4, 1 VOID: wrong", "1, 1 VOID: rcode 2, want 0", "4.00–30.00", "3.00"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("tables lack %q:\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(results.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}
