package report

import (
	"strings"
	"testing"
	"time"
)

func TestMirrorGrade(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	m := Mirror{Primary: "192.0.2.53:53", Serial: 7, Taken: now.Add(-time.Hour), Checked: now.Add(-time.Minute), Expires: now.Add(time.Hour)}
	away, expired := m, m
	away.Error, expired.Error, expired.Expires = "i/o timeout", "i/o timeout", now
	for _, c := range []struct {
		m     Mirror
		grade Grade
		says  string
	}{
		{m, Pass, "serial 7 was taken from the primary 192.0.2.53:53 at 2026-11-29T11:00:00Z"},
		{away, Warn, "answered until 2026-11-29T13:00:00Z: i/o timeout"},
		{expired, Fail, "answered with SERVFAIL since 2026-11-29T12:00:00Z"},
		{Mirror{Primary: "192.0.2.53:53", Error: "REFUSED"}, Fail, "nothing was taken from the primary 192.0.2.53:53 yet: REFUSED"},
	} {
		g, text, remedy := c.m.Grade(now)
		if g != c.grade || !strings.Contains(text, c.says) || (remedy == "") != (g == Pass) {
			t.Errorf("%s %q %q, want %s %q", g, text, remedy, c.grade, c.says)
		}
	}
}
