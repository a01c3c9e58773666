package main

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing/delist"
	"dnsbld/listing/sensor"
)

// A mail to a probe address proves control, whether the policy service or a
// log tells of it; of what strangers make up the number is kept.
func TestProbeSessions(t *testing.T) {
	r := start(t, shortDir(t), func(f *config.File) { f.Desk.Probe = "probe.bl.example" })
	key := db.OpenKey(filepath.Join(r.dir, "desk.key"), slog.New(slog.DiscardHandler))
	signer, err := delist.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	offend := func(client string) string {
		t.Helper()
		text := sessions("mx2", client, 6, time.Now().Add(-time.Minute), "198.51.100.25", "198.51.100.26")
		if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		e := r.show(client).Entries[0]
		token := signer.Mint(netip.MustParseAddr(client), delist.Stand{Since: e.Since}, time.Now().Add(time.Hour))
		return "helo+" + string(token) + "@probe.bl.example"
	}
	counted := func(want sensor.Probes) func() bool {
		return func() bool {
			st, err := r.client.Status(t.Context())
			return err == nil && st.Sensor.Probes == want
		}
	}
	first, second := offend("203.0.113.7"), offend("203.0.113.8")
	r.postfix("203.0.113.8", "mail.sender.example", first) // made for another address
	r.await("the refusal", counted(sensor.Probes{Refused: 1}))
	r.postfix("203.0.113.7", "mail.sender.example", first)
	r.await("the first proof", counted(sensor.Probes{Refused: 1, Taken: 1}))
	log := strings.ReplaceAll(sessions("mx3", "203.0.113.8", 1, time.Now(), "mail.sender.example"), `["rcpt.example"]`, `["`+second+`"]`)
	for range 2 { // told again it is no proof once more
		if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(log)); err != nil {
			t.Fatal(err)
		}
	}
	r.await("the second proof", counted(sensor.Probes{Refused: 1, Taken: 2}))
}
