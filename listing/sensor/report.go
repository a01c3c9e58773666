package sensor

import (
	"strings"
	"time"

	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
)

// Report is one SMTP session as one receiver saw it.
type Report struct {
	Time     time.Time // of the connection, or of the first that was seen of it
	Receiver string    // the name that the configuration gives the mail server, or else the host name in its log
	ID       string    // of the session, unique within Receiver; the same whenever the same log is read

	Tried   int    // recipients that were named, as far as is known
	Unknown int    // of these, mailboxes that the server does not have
	Probe   string // a recipient in the form of a probe address, helo+TOKEN@DOMAIN: the one local part that is passed on
	helo.Session
}

// observation is the report as it is counted.
func (r *Report) observation(v helo.Verdict) sighting.Observation {
	return sighting.Observation{Time: r.Time, Receiver: r.Receiver, ID: r.ID, Client: r.Client,
		Verdict: v, HELO: r.HELO, DNS: dnsText(&r.Session), FCrDNS: r.FCrDNS,
		Recipients: max(r.Tried, r.Unknown, len(r.Recipients)), Unknown: r.Unknown}
}

// dnsText tells people what DNS said of a client.
func dnsText(s *helo.Session) string {
	var parts []string
	switch {
	case len(s.PTR) > 0 && s.FCrDNS:
		parts = append(parts, "PTR "+s.PTR[0]+", confirmed")
	case len(s.PTR) > 0:
		parts = append(parts, "PTR "+s.PTR[0]+", not confirmed")
	case s.PTRStatus != helo.Unset:
		parts = append(parts, "PTR "+s.PTRStatus.String())
	}
	switch {
	case len(s.HELOAddrs) > 0:
		parts = append(parts, "HELO "+s.HELOAddrs[0].String())
	case s.HELOStatus != helo.Unset:
		parts = append(parts, "HELO "+s.HELOStatus.String())
	}
	return strings.Join(parts, "; ")
}
