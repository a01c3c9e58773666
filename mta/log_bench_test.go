package mta

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// benchmarkLog reads a log again and again, as if it were one.
func benchmarkLog(b *testing.B, format string, raw []byte) {
	log, err := NewLog(format, options())
	if err != nil {
		b.Fatal(err)
	}
	count := bytes.Count(raw, []byte("\n"))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(raw), log, func(Report) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "lines/s")
}

func fixture(b *testing.B, file string) []byte {
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func BenchmarkPostfixLog(b *testing.B) {
	for _, file := range []string{"postfix-default.log", "postfix-rbl.rfc3339.log"} {
		b.Run(file, func(b *testing.B) { benchmarkLog(b, "postfix", fixture(b, file)) })
	}
}

func BenchmarkEximLog(b *testing.B) {
	for _, file := range []string{"exim-usual.log", "exim-syslog.rfc3339.log"} {
		b.Run(file, func(b *testing.B) { benchmarkLog(b, "exim", fixture(b, file)) })
	}
}

func BenchmarkNDJSONLog(b *testing.B) {
	reports, _ := readAll(b, "postfix", "postfix-default.log", options())
	var raw []byte
	for _, r := range reports {
		line, err := json.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		raw = append(append(raw, line...), '\n')
	}
	benchmarkLog(b, "ndjson", raw)
}
