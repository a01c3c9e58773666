package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// A report writes each result as a line of JSON when it is known, and tables for people at the end.
type report struct {
	out    io.Writer // tables
	log    io.Writer // progress
	ndjson *json.Encoder
	notes  []string
	err    error // the first failure to write a result
}

func (r *report) emit(v any) {
	if err := r.ndjson.Encode(v); err != nil && r.err == nil {
		r.err = fmt.Errorf("writing results: %w", err)
	}
}

func (r *report) progress(format string, args ...any) { fmt.Fprintf(r.log, format+"\n", args...) }

// note keeps a remark for below the tables.
func (r *report) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	r.progress("note: %s", n)
	r.notes = append(r.notes, n)
	r.emit(map[string]string{"kind": "note", "text": n})
}

func (r *report) table(title string, fill func(row func(cells ...any))) {
	fmt.Fprintf(r.out, "\n%s\n", title)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fill(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w)
	})
	_ = w.Flush()
}

// loadTable shows all servers under one load.
func (r *report) loadTable(title string, all []summary) {
	r.table(title, func(row func(...any)) {
		row("server", "CPU µs/query", "(least–most)", "k/s", "p50 µs", "p99", "p99.9", "sent", "answered", "lost", "wrong", "runs")
		for _, s := range all {
			runs := fmt.Sprint(s.Runs)
			if s.Void > 0 {
				runs += fmt.Sprintf(", %d VOID: %s", s.Void, s.Example)
			}
			if s.Void == s.Runs {
				row(s.Server, "–", "", "–", "–", "–", "–", s.Sent, s.Answered, s.Lost, s.Wrong, runs)
				continue
			}
			row(s.Server, fixed(s.CPU.Median, 2), fixed(s.CPU.Min, 2)+"–"+fixed(s.CPU.Max, 2), fixed(s.QPS.Median/1e3, 1),
				fixed(s.P50.Median, 0), fixed(s.P99.Median, 0), fixed(s.P999.Median, 0),
				s.Sent, s.Answered, s.Lost, s.Wrong, runs)
		}
	})
}

// ratioTable shows each server's CPU time over each peer's, the median of the rounds.
func (r *report) ratioTable(title string, all []summary) {
	r.table(title, func(row func(...any)) {
		head := []any{"server"}
		for _, s := range all {
			head = append(head, "× "+s.Server)
		}
		row(head...)
		for _, s := range all {
			cells := []any{s.Server}
			for _, peer := range all {
				cell := "–"
				if v, ok := s.Ratio[peer.Server]; ok {
					cell = fixed(v.Median, 2)
				}
				cells = append(cells, cell)
			}
			row(cells...)
		}
	})
}

// A started is a line about a server's start.
type started struct {
	Kind   string `json:"kind"`
	Server string `json:"server"`
	Hosts  int    `json:"hosts"`
	startCost
}

func (r *report) startTable(all []started) {
	r.table("start, until the first right answer; RssAnon half a second later", func(row func(...any)) {
		row("server", "CPU s", "wall s", "RssAnon MB")
		for _, s := range all {
			row(s.Server, fixed(s.CPUSeconds, 2), fixed(s.Seconds, 2), fixed(float64(s.RssAnonKB)/1024, 1))
		}
	})
}

// An operation is one figure about operating dnsbld.
type operation struct {
	Kind      string  `json:"kind"`
	Operation string  `json:"operation"`
	Figure    string  `json:"figure"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
}

func (r *report) operationTable(all []operation) {
	r.table("operations of dnsbld", func(row func(...any)) {
		row("operation", "figure", "value", "unit")
		for _, o := range all {
			row(o.Operation, o.Figure, fixed(o.Value, 2), o.Unit)
		}
	})
}

func (r *report) printNotes() {
	if len(r.notes) == 0 {
		return
	}
	fmt.Fprintln(r.out, "\nnotes")
	for _, n := range r.notes {
		fmt.Fprintln(r.out, "-", n)
	}
}

func fixed(v float64, digits int) string { return fmt.Sprintf("%.*f", digits, v) }
