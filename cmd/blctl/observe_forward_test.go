package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dnsbld/listing/sensor"
	"dnsbld/mta"
	"dnsbld/mta/mtatest"
	"dnsbld/scripts/dev/freeport"
)

// otherSide is a collector that can be away.
type otherSide struct {
	t         *testing.T
	authority *mtatest.Authority
	address   string
	config    mta.CollectorConfig
	mu        sync.Mutex
	ids       map[string]int
}

func newOtherSide(t *testing.T) *otherSide {
	o := &otherSide{t: t, authority: mtatest.NewAuthority(t), address: freeport.Address(t), ids: map[string]int{}}
	cert, key := o.authority.Issue("collector.example")
	o.config = mta.CollectorConfig{Receivers: []string{"mx2"}, Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}}
	return o
}

// comes starts it; what it returns ends it.
func (o *otherSide) comes() (goes func()) {
	o.t.Helper()
	c, err := mta.NewCollector(o.config, mta.CollectorParts{Now: time.Now, Say: func(string, error) {},
		Take: func(_ context.Context, _ string, reports []mta.Report, _ mta.LogStats) (any, error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			out := sensor.Observed{Sessions: len(reports)}
			for _, r := range reports {
				if o.ids[r.Receiver+" "+r.ID]++; o.ids[r.Receiver+" "+r.ID] > 1 {
					out.Duplicates++
				}
			}
			return out, nil
		}})
	if err != nil {
		o.t.Fatal(err)
	}
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, l) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			o.t.Error(err)
		}
	}
}

func (o *otherSide) told() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ids)
}

// observe runs the command with a log as its input, as mx2.
func (o *otherSide) observe(ctx context.Context, state, name string, log string, more ...string) (status int, out sensor.Observed, stderr string) {
	o.t.Helper()
	cert, key := o.authority.Issue(name)
	var stdout, errs bytes.Buffer
	args := append([]string{"blctl", "--json", "observe", "-", "--format", "ndjson", "--to", "https://" + o.address,
		"--certificate", cert, "--key", key, "--ca", o.authority.File}, more...)
	status = run(ctx, args, strings.NewReader(log), &stdout, &errs, func(name string) string {
		return map[string]string{"STATE_DIRECTORY": state}[name]
	})
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil && stdout.Len() > 0 {
		o.t.Fatalf("%v: %s", err, stdout.String())
	}
	return status, out, errs.String()
}

const twoSessions = `{"id":"1","client":"203.0.113.7","helo":"a.example"}
{"id":"2","receiver":"mx2","client":"203.0.113.7","helo":"b.example"}
{"id":"3","receiver":"mx3","client":"203.0.113.7","helo":"of another"}
`

// While the other side is away sessions wait on disk, and the next run sends
// them first; what is told again counts once.
func TestObserveTo(t *testing.T) {
	o, state := newOtherSide(t), t.TempDir()
	status, out, said := o.observe(t.Context(), state, "mx2", twoSessions)
	if status != exitUnavailable || out.Sessions != 0 || !strings.Contains(said, "wait in "+state) {
		t.Errorf("away: %d, %+v, %s", status, out, said)
	}
	goes := o.comes()
	status, out, said = o.observe(t.Context(), state, "mx2", `{"id":"9","client":"203.0.113.7","helo":"c.example"}`+"\n")
	if status != exitDone || out.Sessions != 3 || out.Skipped != 0 || o.told() != 3 {
		t.Errorf("back: %d, %+v, %s", status, out, said)
	}
	status, out, _ = o.observe(t.Context(), state, "mx2", twoSessions)
	if status != exitDone || out.Sessions != 2 || out.Duplicates != 2 || out.Skipped != 1 || o.told() != 3 {
		t.Errorf("told again: %d, %+v", status, out)
	}
	status, _, said = o.observe(t.Context(), state, "mx3", twoSessions, "--spool", filepath.Join(state, "mx3"))
	if status != exitPolicy || !strings.Contains(said, "nothing is taken from") {
		t.Errorf("as a receiver that is not named: %d, %s", status, said)
	}
	goes()
	waiting, err := filepath.Glob(filepath.Join(state, "mx3", "*.ndjson"))
	if err != nil || len(waiting) != 1 {
		t.Errorf("what was refused does not wait: %v, %v", waiting, err)
	}
}

// A log that is followed is read on while the other side is away.
func TestObserveToFollows(t *testing.T) {
	o, state := newOtherSide(t), t.TempDir()
	log := filepath.Join(state, "log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(text)
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	write(twoSessions)
	cert, key := o.authority.Issue("mx2")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"blctl", "observe", log, "--follow", "--format", "ndjson", "--to", "https://" + o.address, "--certificate", cert,
			"--key", key, "--ca", o.authority.File, "--spool", filepath.Join(state, "spool")}, nil, &bytes.Buffer{}, &bytes.Buffer{},
			func(name string) string { return map[string]string{"STATE_DIRECTORY": state}[name] })
	}()
	await("the spool", func() bool {
		waiting, _ := filepath.Glob(filepath.Join(state, "spool", "*.ndjson"))
		return len(waiting) > 0
	})
	if err := os.Rename(log, log+".1"); err != nil { // all of it is on disk elsewhere
		t.Fatal(err)
	}
	write(`{"id":"4","client":"203.0.113.7","helo":"d.example"}` + "\n")
	goes := o.comes()
	await("all sessions", func() bool { return o.told() == 3 })
	goes()
	cancel()
	if status := <-ended; status != exitDone && status != exitFailed {
		t.Errorf("interrupted: exit %d", status)
	}
}

func TestObserveToUsage(t *testing.T) {
	a := mtatest.NewAuthority(t)
	cert, key := a.Issue("mx2")
	whole := []string{"--to", "https://bl.example", "--certificate", cert, "--key", key, "--ca", a.File, "--spool", t.TempDir()}
	with := func(i int, value string) []string {
		changed := slices.Clone(whole)
		changed[i] = value
		return changed
	}
	for want, args := range map[string][]string{
		"the certificate is that of": append([]string{"--receiver", "mx1"}, whole...),
		"can be sent":                with(1, "http://bl.example"),
		"and its key":                with(5, "/nowhere"),
		"the authorities":            with(7, "/nowhere"),
		"--to needs":                 whole[:4],
		"is for --to":                whole[2:],
	} {
		var errs bytes.Buffer
		status := run(t.Context(), append([]string{"blctl", "observe", "-", "--format", "ndjson"}, args...), strings.NewReader(""), &bytes.Buffer{}, &errs,
			func(string) string { return "" })
		if status != exitInvalid || !strings.Contains(errs.String(), want) {
			t.Errorf("%v: exit %d, %s", args, status, errs.String())
		}
	}
}
