package helo

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestSessionJSON(t *testing.T) {
	for _, c := range []struct {
		line, want string
		rdns       RDNS
	}{
		{`{"client":"203.0.113.25"}`, "helo-absent note", ""},
		{`{"client":"203.0.113.25","verb":"EHLO","helo":null}`, "helo-absent note", ""},
		{`{"client":"203.0.113.25","helo":""}`, "helo-malformed weak empty", ""},
		{`{"client":"203.0.113.25","verb":"NONE","helo":"x","later":{}}`, "helo-absent note", ""},
		{`{"client":"203.0.113.25","helo":"x.example","ptr":[]}`, "ok ok dns-unverified", RDNSMissing},
		{`{"client":"203.0.113.25","helo":"x.example","ptr":null}`, "ok ok dns-unverified", ""},
		{`{"client":"203.0.113.25","helo":"x.example","ptr":[],"ptr_dns":"temp"}`, "ok ok dns-unverified", ""},
		{`{"client":"203.0.113.25","helo":"x.example","ptr":["x.example"],"fcrdns":true}`, "ok ok", ""},
		{`{"client":"203.0.113.25","helo":"x.example","helo_addrs":[]}`, "ok ok dns-unverified", ""},
		{`{"client":"203.0.113.25","helo":"x\u0000.example"}`, "helo-malformed weak control", ""},
		{"{\"client\":\"203.0.113.25\",\"helo\":\"x\xff.example\"}", "helo-malformed weak nonascii", ""},
		{`{"helo":"198.51.100.10"}`, "exempt-nonglobal-client exempt", ""},
	} {
		var s Session
		if err := json.Unmarshal([]byte(c.line), &s); err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if v := check(t, s, c.want); v.RDNS != c.rdns {
			t.Errorf("%s: rdns %q, want %q", c.line, v.RDNS, c.rdns)
		}
	}
}

func TestSessionJSONRefuses(t *testing.T) {
	for _, line := range []string{
		`{"client":"203.0.113.256"}`, `{"helo_dns":"servfail"}`, `{"our_ips":["mx1"]}`, `{"auth":"no"}`, `[]`, `{`,
	} {
		if err := json.Unmarshal([]byte(line), new(Session)); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

// A line is decoded over what the configuration says.
func TestSessionJSONKeepsTheRest(t *testing.T) {
	s := base()
	if err := json.Unmarshal([]byte(`{"helo":"hoster.example","our_ips":["192.0.2.1"]}`), &s); err != nil {
		t.Fatal(err)
	}
	check(t, s, "helo-our-name strong")
	if !reflect.DeepEqual(s.OurIPs, addrs("192.0.2.1")) {
		t.Errorf("our_ips %v", s.OurIPs)
	}
}

func TestSessionJSONRoundTrip(t *testing.T) {
	f := load(t)
	for _, c := range f.Cases {
		want := f.session(t, c.Set)
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Session
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", c.ID, got, want)
		}
	}
}

func TestVerdictJSON(t *testing.T) {
	s := base()
	s.HELO, s.PTRStatus = "203.0.113.25.", NXDomain
	data, err := json.Marshal(Classify(s))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"helo-bare-ip","strength":"medium","flags":["own","trailing-dot"],"name":"203.0.113.25",` +
		`"sentence":"The client 203.0.113.25 greeted our server with \"203.0.113.25.\", its own IP address 203.0.113.25 ` +
		`without brackets, instead of a host name.","rdns":"rdns-missing"}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	var back Verdict
	if err := json.Unmarshal(data, &back); err != nil || back != Classify(s) {
		t.Errorf("%+v, %v", back, err)
	}
	if data, _ := json.Marshal(Verdict{}); !strings.Contains(string(data), `"flags":[]`) {
		t.Errorf("no flags: %s", data)
	}
	for _, line := range []string{`{"flags":["odd"]}`, `{"flags":"own"}`, `{"strength":"mild"}`} {
		if err := json.Unmarshal([]byte(line), new(Verdict)); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

func TestVerdictMethods(t *testing.T) {
	for _, c := range []struct {
		v                       Verdict
		clean, confirmed, bogus bool
	}{
		{Verdict{}, false, false, false},
		{Verdict{Code: CodeOK, Strength: StrengthOK}, true, true, false},
		{Verdict{Code: CodeOK, Strength: StrengthOK, Flags: FlagDNSUnverified}, true, false, false},
		{Verdict{Code: CodeOKRcptDomain, Strength: StrengthOK, Flags: FlagConfirmed}, true, true, false},
		{Verdict{Code: CodeOKLiteral, Strength: StrengthOK}, true, false, false},
		{Verdict{Code: CodeOKLiteral, Strength: Note}, false, false, false},
		{Verdict{Code: CodeHostedDomain, Strength: Weak}, false, false, false},
		{Verdict{Code: CodeBareIP, Strength: Medium}, false, false, true},
		{Verdict{Code: CodeOurIP, Strength: Strong}, false, false, true},
	} {
		if c.v.Clean() != c.clean || c.v.Confirmed() != c.confirmed || c.v.Bogus() != c.bogus {
			t.Errorf("%+v: %t %t %t", c.v, c.v.Clean(), c.v.Confirmed(), c.v.Bogus())
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"mail.sender.example", 255, "mail.sender.example"},
		{"a\"b\\c\r\n\x1b\xc3\xbc", 255, `a\x22b\x5cc\x0d\x0a\x1b\xc3\xbc`},
		{"abcdef", 3, "abc"},
		{"abc", 3, "abc"},
		{"ab\xff", 5, "ab"},
		{"ab\xff", 6, `ab\xff`},
		{"\xffab", 5, `\xffa`},
		{"\xff", 0, ""},
	} {
		if got := Escape(c.in, c.limit); got != c.want {
			t.Errorf("Escape(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}
