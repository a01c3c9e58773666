package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

// Sensor is what hears mail servers, as far as operators have to do with it.
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
	Status() SensorStatus
}

// SensorStatus is how the sensor is.
type SensorStatus struct {
	Receiver  string   `json:"receiver"` // of the policy service
	Policy    []string `json:"policy"`   // where it answers
	Enforce   bool     `json:"enforce"`
	Resolver  string   `json:"resolver,omitempty"`
	Service   any      `json:"service,omitempty"`   // counters of the policy service, sent as JSON
	Collect   string   `json:"collect,omitempty"`   // where sessions of other machines are taken
	Collector any      `json:"collector,omitempty"` // counters of that, sent as JSON
	sensor.Status
}

// errNoSensor answers where no daemon runs.
func errNoSensor() error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "no-sensor", Message: "nobody counts sessions here",
		Hint: "this needs a running dnsbld: leave out --offline"}
}

// maxObserved bounds the sessions of one request, in octets.
const maxObserved = 64 << 20

// observe counts the sessions in the body.
func (s *Server) observe(w http.ResponseWriter, r *http.Request, _ Caller) error {
	if s.cfg.Sensor == nil {
		return errNoSensor()
	}
	body := &patient{Reader: http.MaxBytesReader(w, r.Body, maxObserved), control: http.NewResponseController(w)}
	out, err := s.cfg.Sensor.Observe(r.Context(), body)
	if out.Listed == nil {
		out.Listed = []sensor.Listing{}
	}
	if err != nil {
		body.drain()
		return &partial{err, out}
	}
	setDeadline(body.control, time.Time{})
	return reply(w, http.StatusOK, out)
}

// simulate answers what other thresholds would have done.
func (s *Server) simulate(w http.ResponseWriter, r *http.Request, _ Caller) error {
	if s.cfg.Sensor == nil {
		return errNoSensor()
	}
	toml, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return invalid("bad-request", "the thresholds cannot be read: "+err.Error(), "a file of 64 KiB at the most")
	}
	out, err := s.cfg.Sensor.Simulate(r.Context(), toml)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

// addFacts adds what the counters know, if they know anything.
func (s *Server) addFacts(shown *Shown) error {
	if s.cfg.Sensor == nil || !counted(shown.Subject) {
		return nil
	}
	f, err := s.cfg.Sensor.Facts(shown.Subject)
	if err != nil {
		return fmt.Errorf("asking the counters: %w", err)
	}
	if f.Sessions+f.Exempt > 0 {
		shown.Sightings = &f
	}
	return nil
}

// counted reports whether sessions are counted for a subject.
func counted(s listing.Subject) bool { return s.IsHost() || s.Addr().Is6() && s.Bits() == 64 }

// Observe tells of sessions, one JSON object a line. Telling them again changes
// nothing: after an error it can be repeated.
func (c *Client) Observe(ctx context.Context, sessions io.Reader) (out sensor.Observed, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*answerTime) // DNS may be asked of each
	defer cancel()
	return out, c.post(ctx, "/v1/observe", sessions, &out)
}

// Simulate asks what the thresholds of a TOML text would have done.
func (c *Client) Simulate(ctx context.Context, toml io.Reader) (out sighting.Simulation, err error) {
	return out, c.post(ctx, "/v1/simulate", toml, &out)
}

func (c *Client) post(ctx context.Context, path string, body io.Reader, out any) error {
	resp, err := c.do(ctx, http.MethodPost, path, url.Values{}, body, out)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return lost(err)
	}
	return nil
}
