package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// Each command leaves one line in the log: what, of what, by whom, what came of it,
// and at which revision. Looking leaves none.
func TestLogOfCommands(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c, ctx := h.as(listing.Caller{Name: "root"}), t.Context()
	seven := listing.HostSubject(netip.MustParseAddr("192.0.2.7"))
	add := listing.Add{Subject: seven, More: []listing.Subject{subject("192.0.2.8")}, Reason: "manual"}
	dry := add
	dry.DryRun = true
	permit := listing.Permit{Subject: subject("192.0.2.0/24"), Owner: "bob"}
	for _, tt := range []struct {
		want string
		do   func() error
	}{
		{`action=add of="192.0.2.7 and 1 more as manual" by=root dry_run=true outcome=changed`, func() error { _, err := c.Add(ctx, dry); return err }},
		{`action=add of="192.0.2.7 and 1 more as manual" by=root outcome=changed revision=1`, func() error { _, err := c.Add(ctx, add); return err }},
		{`action=add of="192.0.2.7 and 1 more as manual" by=root outcome=unchanged`, func() error { _, err := c.Add(ctx, add); return err }},
		{`action="allow add" of=192.0.2.0/24 by=root outcome=refused err="192.0.2.0/24 holds 256 addresses`, func() error { _, _ = c.Permit(ctx, permit); return nil }},
		{`action="propose allow add" of=192.0.2.0/24 by=root outcome=changed revision=2`, func() error {
			permit.Force, permit.Note = true, "ours"
			_, err := c.Propose(ctx, ctl.Propose{Permit: &permit})
			return err
		}},
		{`action=import of="source feed" by=root outcome=changed revision=3`, func() error {
			_, err := c.Import(ctx, ctl.Import{Import: listing.Import{Source: "feed"}, Reason: "imported"}, strings.NewReader("203.0.113.7\n"))
			return err
		}},
		{`action="drop source" of="source feed" by=root outcome=changed revision=4`, func() error { _, err := c.DropSource(ctx, ctl.DropSource{Name: "feed"}); return err }},
		{`action=undo of="revision 1" by=root outcome=changed revision=5`, func() error { _, err := c.Undo(ctx, ctl.Undo{Revision: 1}); return err }},
		{"", func() error { _, err := c.Show(ctx, seven); return err }},
		{"", func() error { _, err := c.Status(ctx); return err }},
		{"", func() error { _, err := c.Backup(ctx, ctl.None{}, io.Discard); _ = err; return nil }},
	} {
		log.Reset()
		if err := tt.do(); err != nil {
			t.Errorf("%s: %v", tt.want, err)
		}
		if got := log.String(); !strings.Contains(got, tt.want) || strings.Count(got, "\n") > 1 || (tt.want == "") != (got == "") {
			t.Errorf("logged %q, want %q", got, tt.want)
		}
	}
}
