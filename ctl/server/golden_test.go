package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

var update = flag.Bool("update", false, "write what is found into testdata and docs")

// counting is a sensor of fixed answers.
type counting struct{}

func (counting) Observe(_ context.Context, body io.Reader) (sensor.Observed, error) {
	raw, err := io.ReadAll(body)
	if strings.Contains(string(raw), "stop") {
		err = &listing.Error{Kind: listing.ErrUnavailable, Code: "stopped", Message: "the counters stopped", Hint: "tell it again"}
	}
	return sensor.Observed{Sessions: 2, Bogus: 1, Outcomes: map[sighting.Outcome]int{}}, err
}

func (counting) Facts(listing.Subject) (sighting.Facts, error) {
	return sighting.Facts{Sessions: 3, Clean: 2, Bogus: 1}, nil
}

func (counting) Clean(listing.Subject) iter.Seq2[sighting.Sender, error] {
	return func(yield func(sighting.Sender, error) bool) {
		yield(sighting.Sender{Subject: subject("192.0.2.9"), Sessions: 4}, nil)
	}
}

func (counting) Simulate(context.Context, []byte) (sighting.Simulation, error) {
	return sighting.Simulation{}, nil
}

func (counting) Receivers() []sighting.Receiver {
	return []sighting.Receiver{{Name: "mx1", Withheld: []sighting.Withheld{}}}
}

func (counting) Accept(_ context.Context, _, receiver string) (bool, error) {
	if receiver != "mx1" {
		return false, &listing.Error{Kind: listing.ErrNotFound, Code: "no-receiver", Message: "no receiver of that name"}
	}
	return true, nil
}

func (counting) Status() ctl.SensorStatus {
	return ctl.SensorStatus{Receiver: "mx1", Policy: []string{}}
}

// random is what differs in each run: identifiers, tokens, sums.
var random = regexp.MustCompile(`p-[a-z0-9]{8}|\b[TC][A-Z2-7]{10}\b|L-[A-Z2-7]{5}(-[A-Z2-7]{1,5})+|helo\+[A-Z2-7a-z-]+|\b[0-9a-f]{64}\b|"(bytes|free|size)":\d+|"path":"[^"]*"|"hint":"([^"\\]|\\.)*"`)

// The paths and the JSON under /v1 are promises: testdata/v1.golden holds a
// request of each endpoint with its answer, written with -update.
func TestWire(t *testing.T) {
	h, _ := withDesk(t, func(s *desk.Settings) { s.Mail = "desk@bl.test" })
	h.server.cfg.Sensor = counting{}
	h.server.cfg.Verify, h.server.cfg.Backup = h.store.Audit, h.store.Backup
	feed := url.QueryEscape(`{"source":"feed","replace":true,"for":"2d","dry_run":false}`)
	try := url.QueryEscape(`{"source":"feed","replace":true,"dry_run":true}`)
	var b strings.Builder
	var proposal, ticket string
	for _, ask := range []string{
		"PUT /v1/entry {\"prefix\":\"192.0.2.7/32\",\"reason\":\"helo-bare-ip\",\"for\":\"3d\",\"helo\":\"192.0.2.7\",\"note\":\"a note\",\"ticket\":\"rt:1\"}",
		"PUT /v1/entry {\"prefix\":\"192.0.2.7/32\",\"reason\":\"helo-bare-ip\",\"for\":\"3d\",\"helo\":\"192.0.2.7\"}",
		"PUT /v1/entry {\"prefix\":\"192.0.2.0/24\",\"reason\":\"manual\",\"force\":true,\"note\":\"all\",\"dry_run\":true}",
		"PUT /v1/entry {\"prefix\":\"10.0.0.1/32\",\"reason\":\"manual\"}",
		"PUT /v1/entry {\"prefix\":\"192.0.2.8/32\",\"reason\":\"none\"}",
		"PUT /v1/entry {\"prefix\":\"192.0.2.8/32\",\"nonsense\":true}",
		"POST /v1/expire {\"prefix\":\"192.0.2.7/32\",\"in\":\"1d\"}",
		"POST /v1/import?command=" + feed + "&reason=imported 192.0.2.50\n192.0.2.51\n",
		"POST /v1/import?command=" + try + "&reason=imported 192.0.2.50\n192.0.2.52\n",
		"POST /v1/import?command=" + try + "&reason=imported nonsense\n192.0.2.52\n",
		"POST /v1/import?command=" + try + "&reason=imported&skip-bad=true&map=a=manual&min-lines=5&format=plain nonsense\n192.0.2.52\n",
		"POST /v1/import?command=" + try + "&map=a",
		"POST /v1/allow {\"prefix\":\"198.51.100.9/32\",\"owner\":\"postmaster\"}",
		"POST /v1/proposals {\"add\":{\"prefix\":\"198.51.100.0/24\",\"reason\":\"manual\",\"force\":true,\"note\":\"wide\"},\"note\":\"please\"}",
		"POST /v1/proposals {}", "GET /v1/proposals", "GET /v1/proposals?all=true",
		"POST /v1/proposals/PROPOSAL/approve {}", "DELETE /v1/proposals/PROPOSAL {}", "DELETE /v1/proposals/p-none {}",
		"GET /v1/show?prefix=192.0.2.7", "GET /v1/show?prefix=192.0.2.0/24", "GET /v1/show?prefix=nonsense", "GET /v1/show",
		"GET /v1/entries", "GET /v1/entries?reason=helo-bare-ip&within=192.0.2.0/24&expiring=30d&origin=operator&source=&limit=5", "GET /v1/entries?limit=0", "GET /v1/entries?origin=moon",
		"GET /v1/export?format=plain", "GET /v1/export?format=csv&zone=bl.test", "GET /v1/export?format=plain&zone=none.test", "GET /v1/export?format=moon",
		"GET /v1/history?prefix=192.0.2.7", "GET /v1/then?prefix=192.0.2.7&at=2026-11-23T12:00:00Z", "GET /v1/then?prefix=192.0.2.7&at=2027-11-23T12:00:00Z", "GET /v1/then?prefix=192.0.2.7&at=x",
		"GET /v1/allow", "GET /v1/allow?prefix=198.51.100.0/24", "GET /v1/allow?prefix=192.0.2.7", "GET /v1/reasons", "GET /v1/sources", "GET /v1/stats", "GET /v1/status", "GET /v1/selfcheck",
		"GET /v1/changes?once=true&after=0", "GET /v1/changes?once=true", "GET /v1/changes?after=x", "GET /v1/changes?after=999999", "GET /v1/audit", "GET /v1/audit?from=x",
		"POST /v1/observe {}", "POST /v1/observe stop", "POST /v1/simulate ", "GET /v1/receivers", "POST /v1/receivers/mx1/accept {}", "POST /v1/receivers/a%2Fb/accept {}",
		"GET /v1/eligibility?address=192.0.2.7", "GET /v1/eligibility?address=192.0.2.0/24",
		"POST /v1/triage the host 192.0.2.7 was refused", "GET /v1/letter?address=192.0.2.7&ticket=x", "GET /v1/letter?address=192.0.2.200", "GET /v1/reference?reference=L-A",
		"POST /v1/tickets {\"address\":\"192.0.2.7\",\"reference\":\"rt:99\",\"note\":\"hello\"}", "GET /v1/tickets", "GET /v1/tickets?address=192.0.2.7&state=open&all=true",
		"GET /v1/ticket?name=TICKET", "GET /v1/ticket?name=T-none", "POST /v1/ticket?name=TICKET {\"verb\":\"note\",\"note\":\"more\"}", "POST /v1/ticket?name=TICKET {\"verb\":\"deny\",\"code\":\"STILL_OFFENDING\"}",
		"POST /v1/request {\"address\":\"192.0.2.7\",\"from\":\"a@sender.example\",\"delist\":true}", "POST /v1/request {\"text\":\"aGVsbG8=\"}", "POST /v1/request {}",
		"POST /v1/person/export {\"mail\":\"a@sender.example\"}", "POST /v1/person/erase {\"mail\":\"a@sender.example\"}", "POST /v1/person/export {\"mail\":\"x\"}",
		"POST /v1/delist {\"prefix\":\"192.0.2.7/32\",\"because\":\"fixed-verified\"}", "POST /v1/delist {\"prefix\":\"192.0.2.7/32\",\"because\":\"fixed-verified\"}",
		"POST /v1/undo {\"revision\":1,\"dry_run\":true}", "POST /v1/undo {\"revision\":2,\"dry_run\":true}", "POST /v1/undo {\"revision\":3,\"dry_run\":true}", "POST /v1/undo {\"revision\":4}",
		"DELETE /v1/sources/feed {\"note\":\"over\"}", "DELETE /v1/sources/none {}", "GET /v1/backup", "GET /v1/nonsense", "POST /v1/entry {}",
	} {
		ask = strings.NewReplacer("PROPOSAL", proposal, "TICKET", ticket).Replace(ask)
		method, rest, _ := strings.Cut(ask, " ")
		path, body, _ := strings.Cut(rest, " ")
		r := httptest.NewRequestWithContext(WithCaller(t.Context(), listing.Caller{Name: "root"}), method, path, strings.NewReader(body))
		w := httptest.NewRecorder()
		h.server.ServeHTTP(w, r)
		got := w.Body.String()
		if path == "/v1/proposals" && proposal == "" {
			proposal = regexp.MustCompile(`p-[a-z0-9]{8}`).FindString(got)
		}
		if path == "/v1/tickets" && ticket == "" {
			ticket = regexp.MustCompile(`\bT[A-Z2-7]{10}\b`).FindString(got)
		}
		if path == "/v1/backup" {
			got = fmt.Sprintln("a backup", w.Body.Len() > 1000)
		}
		fmt.Fprintf(&b, "%s\n%d %s %s\n%s\n", ask, w.Code, w.Header().Get("Content-Type"), w.Header().Get(ctl.RevisionHeader), got)
	}
	golden(t, filepath.Join("testdata", "v1.golden"), random.ReplaceAllString(b.String(), "RANDOM"))
}

// golden compares a text with a file, or with -update writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs (-update writes it):\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	was, is := strings.Split(want, "\n"), strings.Split(got, "\n")
	for n := range min(len(was), len(is)) {
		if was[n] != is[n] {
			return fmt.Sprintf("line %d\n- %s\n+ %s", n+1, was[n], is[n])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(is), len(was))
}
