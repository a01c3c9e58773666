package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestQuickLeavesWhatWasSet(t *testing.T) {
	o, err := parseOptions([]string{"--quick", "--hosts", "10k", "--window", "2s"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.hosts != 10000 || o.window != 2*time.Second || o.rounds != 2 || o.limit >= 2*time.Minute {
		t.Errorf("%+v", o)
	}
}

func TestDefaultsAreTheTwoLoads(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	l := o.loads()
	if len(l) != 2 || l[0].rate != 0 || l[0].sockets != 8 || l[0].outstanding != 8 || l[1].rate != 80000 || o.hosts != 1000000 {
		t.Errorf("%+v", l)
	}
	if len(o.servers) != len(candidates()) {
		t.Errorf("%d servers", len(o.servers))
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := parseOptions([]string{"-hosts", "many", "-servers", "knot,nsb", "-tables", "loads", "-widest", "8", "-rounds", "0"}, io.Discard)
	if !errors.Is(err, errUsage) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{`"many"`, `"nsb"`, `"loads"`, "-widest", "counts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestParseCount(t *testing.T) {
	for in, want := range map[string]int{"7": 7, "100k": 100000, "50M": 50000000} {
		if n, err := parseCount(in); err != nil || n != want {
			t.Errorf("%s: %d, %v", in, n, err)
		}
	}
	for _, in := range []string{"", "k", "0", "-1", "1G", "101M", "99999999999M"} {
		if n, err := parseCount(in); err == nil {
			t.Errorf("%q is %d", in, n)
		}
	}
}
