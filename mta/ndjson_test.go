package mta

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

const fullLine = `{"time":"2026-11-23T08:50:27.9Z","receiver":"mx2","id":"4711","client":"203.0.113.7","verb":"HELO","helo":"h.example",` +
	`"our_ips":["192.0.2.25"],"our_names":["mx.rcpt.example"],"hosted":["rcpt.example"],"rcpts":["rcpt.example"],"ptr":["a.example"],` +
	`"ptr_dns":"ok","fcrdns":true,"helo_addrs":["2001:db8::7"],"helo_dns":"ok","auth":true,"submission":true,"trusted":true,"null_sender":true}`

func full() Report {
	return Report{
		Time: time.Date(2026, 11, 23, 8, 50, 27, 900_000_000, time.UTC), Receiver: "mx2", ID: "4711",
		Session: helo.Session{
			Client: netip.MustParseAddr("203.0.113.7"), Verb: helo.VerbHELO, HELO: "h.example", Recipients: []string{"rcpt.example"},
			OurIPs: addrs("192.0.2.25"), OurNames: []string{"mx.rcpt.example"}, Hosted: []string{"rcpt.example"},
			PTR: []string{"a.example"}, PTRStatus: helo.OK, FCrDNS: true, HELOAddrs: addrs("2001:db8::7"), HELOStatus: helo.OK,
			Auth: true, Submission: true, Trusted: true, NullSender: true,
		},
	}
}

func TestReportJSON(t *testing.T) {
	raw, err := json.Marshal(full())
	if err != nil || string(raw) != fullLine {
		t.Errorf("%s, %v", raw, err)
	}
	var r Report
	if err := json.Unmarshal([]byte(fullLine), &r); err != nil || !reflect.DeepEqual(r, full()) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNDJSON(t *testing.T) {
	const short = `"client":"203.0.113.7"`
	at := options().Now()
	base := Report{Time: at, Receiver: "mx1", ID: "1", Session: helo.Session{Client: netip.MustParseAddr("203.0.113.7"), Verb: helo.VerbNone}}
	with := func(set func(*Report)) *Report {
		r := base
		set(&r)
		return &r
	}
	all := full()
	for line, want := range map[string]*Report{
		fullLine:              &all,
		" " + fullLine + "\r": &all,
		strings.ReplaceAll(fullLine, `,"`, ` , "`):                    &all,
		strings.Replace(fullLine, `{`, `{"future":{"a":[1]},`, 1):     &all,
		`{"id":"1",` + short + `}`:                                    with(func(*Report) {}),
		`{"id":"1",` + short + `,"helo":""}`:                          with(func(r *Report) { r.Verb = "" }),
		`{"id":"1",` + short + `,"helo":"a\u0000\u00e9\\"}`:           with(func(r *Report) { r.Verb, r.HELO = "", "a\x00é\\" }),
		`{"id":"1",` + short + `,"helo":"é"}`:                         with(func(r *Report) { r.Verb, r.HELO = "", "é" }),
		`{"id":"1",` + short + `,"ptr":[]}`:                           with(func(r *Report) { r.PTR, r.PTRStatus = []string{}, helo.NoData }),
		`{"id":"1",` + short + `,"ptr":[],"ptr_dns":"temp"}`:          with(func(r *Report) { r.PTR, r.PTRStatus = []string{}, helo.TempError }),
		`{"id":"1",` + short + `,"helo":null,"verb":"EHLO"}`:          with(func(*Report) {}),
		`{"id":"1","time":"2026-11-23T09:50:27+01:00",` + short + `}`: with(func(r *Report) { r.Time = time.Date(2026, 11, 23, 8, 50, 27, 0, time.UTC) }),
		`{"id":"0","id":"1",` + short + `}`:                           with(func(*Report) {}),
		`{"id":"1"}`:                                                  nil,
		`{"id":"1","client":"x"}`:                                     nil,
		`{"id":"1","client":""}`:                                      nil,
		`{"id":"1",` + short + `,"helo_dns":"maybe"}`:                 nil,
		`{"id":"1",` + short + `,"time":"yesterday"}`:                 nil,
		`{"id":"1",` + short + `} x`:                                  nil,
		`{"id":"1",` + short + `,}`:                                   nil,
		`{"id":"1",` + short:                                          nil,
		`[]`:                                                          nil,
		`x`:                                                           nil,
	} {
		reports, stats := readBytes(t, "ndjson", []byte(line+"\n\n"), options())
		switch {
		case want == nil:
			if len(reports) != 0 || stats.Skipped != 1 {
				t.Errorf("%s: %+v, %+v", line, reports, stats)
			}
		case len(reports) != 1 || !reflect.DeepEqual(reports[0], *want) || stats.Skipped != 0 || stats.Sessions != 1:
			t.Errorf("%s:\ngot  %+v\nwant %+v\n%+v", line, reports, *want, stats)
		}
	}
}

// TestNDJSONWithoutID: the same line has the same ID whenever it is read, another line another one.
func TestNDJSONWithoutID(t *testing.T) {
	one, two := `{"client":"203.0.113.7","helo":"a"}`, `{"client":"203.0.113.7","helo":"b"}`
	reports, _ := readBytes(t, "ndjson", []byte(one+"\n"+two+"\n "+one), options())
	if len(reports) != 3 || reports[0].ID != reports[2].ID || reports[0].ID == reports[1].ID || reports[0].ID == "" {
		t.Errorf("%+v", reports)
	}
}

func TestOur(t *testing.T) {
	o := our()
	s := helo.Session{Client: netip.MustParseAddr("::ffff:198.51.100.9")}
	o.Fill(&s)
	if !s.Trusted || !slices.Equal(s.OurIPs, o.Addresses) {
		t.Errorf("%+v", s)
	}
}
