package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/netip"

	"github.com/pelletier/go-toml/v2"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
	"dnsbld/mta/resolve"
)

// testSensor counts sessions as cmd/dnsbld does, one after the other and without
// DNS. Its own addresses are 198.51.100.25 and 198.51.100.26, and it has a
// policy service for mx1.
type testSensor struct {
	book    *listing.Book
	engine  *sighting.Engine
	archive *db.Sightings
	checker *resolve.Checker
}

func newSensor(book *listing.Book, listings string) (*testSensor, error) {
	archive, err := db.OpenSightings(listings+".sightings", db.Options{NoSync: true}, nil)
	if err != nil {
		return nil, err
	}
	s := &testSensor{book: book, archive: archive}
	s.checker = resolve.NewChecker(mta.Our{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.25"), netip.MustParseAddr("198.51.100.26")}}, nil)
	s.engine, err = sighting.New(sighting.Options{Now: book.Now, Rules: book.Rules, Thresholds: sighting.DefaultThresholds(), Archive: archive})
	return s, err
}

func (s *testSensor) close() error { return errors.Join(s.engine.Flush(), s.archive.Close()) }

func (s *testSensor) Observe(ctx context.Context, body io.Reader) (out sensor.Observed, err error) {
	stats, err := mta.Read(body, mta.NewNDJSON(mta.LogOptions{Receiver: "mx1", Now: s.book.Now}), func(r mta.Report) error {
		if r.Receiver == "mx1" {
			return &listing.Error{Kind: listing.ErrPolicy, Code: "receiver-has-source", Message: "mx1 has a policy service", Hint: "name another"}
		}
		r = s.checker.Check(ctx, r)
		v := helo.Classify(r.Session)
		outcome, err := s.engine.Observe(sighting.Observation{Time: r.Time, Receiver: r.Receiver, ID: r.ID, Client: r.Client, Verdict: v, HELO: r.HELO})
		out.Sessions++
		switch {
		case outcome == sighting.Duplicate:
			out.Duplicates++
		case v.Bogus():
			out.Bogus++
		case v.Clean():
			out.Clean++
		}
		return err
	})
	out.Skipped = int(stats.Skipped)
	if err != nil {
		return out, err
	}
	done, err := s.engine.Send(ctx, s.book)
	for _, c := range done.Changes {
		s.engine.Changed(c)
		out.Listed = append(out.Listed, sensor.Listing{Subject: c.After.Subject, Reason: s.book.Rules().Reasons.Symbol(c.After.Reason)})
	}
	return out, err
}

func (s *testSensor) Facts(of listing.Subject) (sighting.Facts, error) { return s.engine.Facts(of) }

func (s *testSensor) Clean(within listing.Subject) iter.Seq2[sighting.Sender, error] {
	return s.engine.Clean(within)
}

func (s *testSensor) Receivers() []sighting.Receiver { return s.engine.Receivers() }

func (s *testSensor) Accept(ctx context.Context, _, receiver string) (bool, error) {
	was, err := s.engine.Accept(receiver)
	if err == nil {
		_, err = s.engine.Send(ctx, s.book)
	}
	return was, err
}

func (s *testSensor) Status() ctl.SensorStatus {
	return ctl.SensorStatus{Receiver: "mx1", Policy: []string{"127.0.0.1:10040"}, Services: map[string]string{"postfix-out": "submission"}, Our: mta.Our{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.25")}}, Status: sensor.Status{Status: s.engine.Status()}}
}

func (s *testSensor) Simulate(_ context.Context, text []byte) (sighting.Simulation, error) {
	present := sighting.DefaultThresholds()
	file := struct {
		Thresholds map[string]sighting.Threshold `toml:"thresholds"`
	}{present.BySymbol()}
	if err := toml.NewDecoder(bytes.NewReader(text)).Decode(&file); err != nil {
		return sighting.Simulation{}, errors.Join(listing.ErrInvalid, err)
	}
	other, err := sighting.FromSymbols(file.Thresholds)
	if err != nil {
		return sighting.Simulation{}, errors.Join(listing.ErrInvalid, err)
	}
	if err := s.engine.Flush(); err != nil {
		return sighting.Simulation{}, err
	}
	return sighting.Simulate(sighting.Recall(s.archive), present, other, s.engine.Status().Sole)
}
