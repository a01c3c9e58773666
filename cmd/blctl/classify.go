package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// classify judges the session that the flags describe, or a file of sessions. It is
// pure: no daemon is asked.
func (p *program) classify(_ context.Context, in *input) error {
	if in.IsSet("cases") {
		return p.classifyCases(in)
	}
	s := in.session()
	if in.err != nil {
		return in.err
	}
	v := helo.Classify(s)
	p.human.printf("%s  %s", p.human.paint(bold, string(v.Code)), v.Strength)
	if v.Flags != 0 {
		p.human.printf("  (%s)", v.Flags)
	}
	p.human.printf("\n%s\n", v.Sentence)
	if v.RDNS != "" {
		p.human.printf("%s\n", v.RDNS)
	}
	return p.conclude("classify", v, nil)
}

// session is the session that the flags describe.
func (in *input) session() helo.Session {
	s := helo.Session{Verb: in.verb(), HELO: in.String("helo"),
		OurIPs: in.addrs("our-ip"), OurNames: in.StringSlice("our-name"), Hosted: in.StringSlice("hosted"),
		Recipients: in.StringSlice("rcpt"), PTR: in.StringSlice("ptr"), PTRStatus: in.status("ptr-dns"), FCrDNS: in.Bool("fcrdns"),
		HELOAddrs: in.addrs("helo-addr"), HELOStatus: in.status("helo-dns"), Auth: in.Bool("auth"),
		Submission: in.Bool("submission"), Trusted: in.Bool("trusted"), NullSender: in.Bool("null-sender")}
	if !in.IsSet("client") {
		in.fail(usageError("classify needs --client IP, or --cases FILE"))
		return s
	}
	s.Client = in.addr("client", in.String("client"))
	return s
}

// verb is how the session greeted.
func (in *input) verb() helo.Verb {
	verb := helo.Verb(strings.ToUpper(in.String("verb")))
	switch {
	case verb == "" && !in.IsSet("helo"):
		return helo.VerbNone
	case verb == "":
		return helo.VerbEHLO
	case verb == helo.VerbNone && in.IsSet("helo"):
		in.fail(usageError("a client that said --helo greeted: leave out --verb NONE"))
	case verb != helo.VerbEHLO && verb != helo.VerbHELO && verb != helo.VerbNone:
		in.fail(usageError("--verb takes EHLO, HELO or NONE, not %s", listing.Quote(in.String("verb"))))
	}
	return verb
}

// addr is one address of a flag.
func (in *input) addr(flag, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		in.fail(usageError("--%s takes an address, not %s", flag, listing.Quote(text)))
	}
	return a
}

// addrs are the addresses of a flag that may be repeated.
func (in *input) addrs(flag string) []netip.Addr {
	var all []netip.Addr
	for _, text := range in.StringSlice(flag) {
		all = append(all, in.addr(flag, text))
	}
	return all
}

// status is how a question to DNS went, as a flag says; not asked if it is not given.
func (in *input) status(flag string) (s helo.Status) {
	if err := s.UnmarshalText([]byte(in.String(flag))); err != nil {
		in.fail(usageError("--%s: %v", flag, err))
	}
	return s
}

// A file of cases is read a line at a time, and each is answered before the next is
// read: it may be longer than memory, or a pipe.

// judged is a line of the answer to --cases.
type judged struct {
	ID json.RawMessage `json:"id,omitempty"`
	helo.Verdict
}

// classifyCases judges one session a line.
func (p *program) classifyCases(in *input) error {
	for _, f := range in.LocalFlagNames() {
		if f != "cases" {
			return usageError("with --cases the sessions are in FILE: leave out --%s", f)
		}
	}
	file, name, err := p.open(in.String("cases"))
	if err != nil {
		return err
	}
	defer file.Close()
	good, bad, line := 0, 0, 0
	out := bufio.NewWriter(p.stdout)
	lines := bufio.NewReader(file)
	for err == nil {
		var text []byte
		text, err = lines.ReadBytes('\n')
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		id, s, wrong := parseCase(text)
		if wrong != nil {
			bad++
			fmt.Fprintf(p.stderr, "%s:%d: %s\n", clean(name), line, clean(wrong.Error()))
			continue
		}
		good++
		if err := encode(out, judged{id, helo.Classify(s)}); err != nil {
			return err
		}
	}
	file.finish()
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the verdicts: %w", err)
	}
	return badCases(good, bad)
}

// parseCase reads a line of --cases. The id is any JSON, and is given back as it came.
func parseCase(text []byte) (json.RawMessage, helo.Session, error) {
	var s helo.Session
	var named struct {
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, s, fmt.Errorf("this is not a JSON object: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, s, err
	}
	if !s.Client.IsValid() {
		return nil, s, errors.New("it names no client")
	}
	return named.ID, s, nil
}

// badCases is the failure of lines that could not be read: in part, if others could.
func badCases(good, bad int) error {
	if bad == 0 {
		return nil
	}
	err := invalid("bad-lines", fmt.Sprintf("%d of %d lines cannot be read", bad, good+bad), "each is one JSON object with at least \"client\" and \"helo\"")
	if good > 0 {
		return partly{err}
	}
	return err
}
