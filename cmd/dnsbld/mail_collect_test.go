package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/mta"
	"dnsbld/mta/mtatest"
	"dnsbld/scripts/dev/freeport"
)

// collector adds one to the configuration of a test's daemon. It returns where
// it is.
func collector(t *testing.T, authority *mtatest.Authority, receivers ...string) (url string, change func(*config.File)) {
	t.Helper()
	address := freeport.Address(t)
	cert, key := authority.Issue("collector.example")
	return "https://" + address, func(f *config.File) {
		c := &f.Sensor.Collect
		c.Listen, c.Certificate, c.Key, c.ClientCA, c.Receivers = address, cert, key, authority.File, receivers
	}
}

// Sessions that another machine tells are counted once, also across a restart,
// and list; its log here is refused.
func TestCollectedSessions(t *testing.T) {
	authority, dir := mtatest.NewAuthority(t), shortDir(t)
	url, change := collector(t, authority, "mx2")
	r := start(t, dir, change)
	cert, key := authority.Issue("mx2")
	f, err := mta.NewForwarder(mta.ForwarderConfig{URL: url, Identity: mta.Identity{Certificate: cert, Key: key, CA: authority.File}})
	if err != nil {
		t.Fatal(err)
	}
	text := sessions("mx2", "203.0.113.7", 6, time.Now().Add(-time.Minute), "198.51.100.25", "198.51.100.26") + "no session\n"
	var got sensor.Observed
	if err := f.Send(t.Context(), []byte(text), &got); err != nil || got.Sessions != 6 || got.Bogus != 6 || got.Skipped != 1 ||
		!slices.Equal(got.Listed, []sensor.Listing{{Subject: listing.HostSubject(r.show("203.0.113.7").Subject.Addr()), Reason: "helo-our-ip"}}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(sessions("mx2", "203.0.113.8", 1, time.Now(), "198.51.100.25"))); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("a log of mx2 here: %v", err)
	}
	st, err := r.client.Status(t.Context())
	if err != nil || st.Sensor.Collect != strings.TrimPrefix(url, "https://") {
		t.Errorf("%+v, %v", st.Sensor, err)
	}
	r.stop()
	if err := f.Send(t.Context(), []byte(text), &got); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("while nobody is there: %v", err)
	}
	r = start(t, dir, change)
	got = sensor.Observed{}
	if err := f.Send(t.Context(), []byte(text), &got); err != nil || got.Sessions != 6 || got.Duplicates != 6 || got.Bogus != 0 {
		t.Errorf("told again: %+v, %v", got, err)
	}
	if facts := r.show("203.0.113.7").Sightings; facts == nil || facts.Bogus != 6 {
		t.Errorf("%+v", facts)
	}
}
