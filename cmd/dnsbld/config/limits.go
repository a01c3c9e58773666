package config

import (
	"net/netip"

	"dnsbld/connlimit"
	"dnsbld/listing"
)

// limitsConfig is [limits]: how much one client may ask of the pages in a minute, and
// how many connections may be open, in all and of one client. A client is an IPv4
// address or an IPv6 /64, and on the control socket a user.
type limitsConfig struct {
	WebPerMinute int `toml:"web_per_minute"`
	APIPerMinute int `toml:"api_per_minute"`

	Web                int `toml:"web_connections"`
	WebPerClient       int `toml:"web_connections_per_client"`
	Collector          int `toml:"collector_connections"`
	CollectorPerClient int `toml:"collector_connections_per_client"`
	Control            int `toml:"control_connections"`
	ControlPerUser     int `toml:"control_connections_per_user"`
}

func defaultLimits() limitsConfig {
	return limitsConfig{WebPerMinute: 60, APIPerMinute: 120, Web: 1000, WebPerClient: 100, Collector: 256, CollectorPerClient: 16, Control: 256, ControlPerUser: 64}
}

// control checks all limits on connections, and gives those of the control socket.
func (l limitsConfig) control(wrong *listing.Mistakes) connlimit.Limits {
	for key, n := range map[string]int{"web_connections": l.Web, "web_connections_per_client": l.WebPerClient, "collector_connections": l.Collector,
		"collector_connections_per_client": l.CollectorPerClient, "control_connections": l.Control, "control_connections_per_user": l.ControlPerUser} {
		wrong.Unless(n >= 1, "limits.%s = %d: at least 1", key, n)
	}
	return connlimit.Limits{All: l.Control, PerClient: l.ControlPerUser}
}

// exempt are those whom no limit of one client holds.
func (f File) exempt() []netip.Prefix {
	if f.development {
		return connlimit.Loopback()
	}
	return nil
}
