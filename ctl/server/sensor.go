package server

import (
	"context"
	"fmt"
	"io"
	"iter"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

// Sensor takes what mail servers report, as far as operators have to do with it.
type Sensor interface {
	// Observe counts the sessions of a body, one JSON object a line, and
	// returns when what follows from them is served. What was counted before
	// an error comes with it.
	Observe(ctx context.Context, body io.Reader) (sensor.Observed, error)
	// Facts are what the counters know of an address or an IPv6 /64.
	Facts(listing.Subject) (sighting.Facts, error)
	// Clean are the senders within a prefix, or with the zero subject of
	// everywhere, that lately greeted as they should.
	Clean(within listing.Subject) iter.Seq2[sighting.Sender, error]
	// Simulate holds what is stored against the thresholds of a TOML text.
	Simulate(ctx context.Context, toml []byte) (sighting.Simulation, error)
	// Receivers are the mail servers that have reported.
	Receivers() []sighting.Receiver
	// Accept ends the probation of one, and says whether it was on it. What it
	// told lately counts when this returns.
	Accept(ctx context.Context, by, receiver string) (bool, error)
	Status() ctl.SensorStatus
}

// noSensor is the error where no daemon runs.
func noSensor() error {
	return unavailable("no-sensor", "nobody counts sessions here", "this needs a running dnsbld: leave out --offline")
}

// Bounds of what is sent to the sensor, in octets.
const (
	maxObserved   = 64 << 20 // sessions of one request
	maxThresholds = 64 << 10
)

// observe counts sessions.
func (s *Server) observe(ctx context.Context, _ listing.Caller, _ ctl.None, sessions io.Reader) (out sensor.Observed, err error) {
	if s.cfg.Sensor == nil {
		return out, noSensor()
	}
	if err := s.cfg.Book.Rules().Writable(); err != nil {
		return out, err
	}
	out, err = s.cfg.Sensor.Observe(ctx, atMost(sessions, maxObserved))
	if out.Listed == nil {
		out.Listed = []sensor.Listing{}
	}
	if err != nil {
		err = &partial{err, out}
	}
	return out, err
}

// simulate says what other thresholds would have done.
func (s *Server) simulate(ctx context.Context, _ listing.Caller, _ ctl.None, toml io.Reader) (out sighting.Simulation, err error) {
	if s.cfg.Sensor == nil {
		return out, noSensor()
	}
	text, err := io.ReadAll(atMost(toml, maxThresholds))
	if err != nil {
		return out, invalid("bad-request", "the thresholds cannot be read: "+err.Error(), "a file of 64 KiB at the most")
	}
	return s.cfg.Sensor.Simulate(ctx, text)
}

// bounded is a body with an end.
type bounded struct {
	from io.Reader
	left int64
}

// atMost makes a longer body an error.
func atMost(body io.Reader, octets int64) io.Reader { return &bounded{body, octets} }

// Read fails behind the bound, so that a body is either taken whole or refused.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("request body too large: %w", listing.ErrInvalid)
	}
	return n, err
}

// facts are what the counters know of a subject; nil: nothing.
func (s *Server) facts(subject listing.Subject) (*sighting.Facts, error) {
	counted := subject.IsHost() || subject.Addr().Is6() && subject.Bits() == 64
	if s.cfg.Sensor == nil || !counted {
		return nil, nil
	}
	f, err := s.cfg.Sensor.Facts(subject)
	if err != nil {
		return nil, fmt.Errorf("asking the counters: %w", err)
	}
	if f.Sessions+f.Exempt == 0 {
		return nil, nil
	}
	return &f, nil
}
