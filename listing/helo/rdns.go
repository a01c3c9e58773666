package helo

// RDNS is what a client's reverse DNS lacks. It is worth a note and independent of the greeting.
type RDNS string

const (
	RDNSMissing     RDNS = "rdns-missing"     // the address has no PTR name
	RDNSUnconfirmed RDNS = "rdns-unconfirmed" // it has, but none leads back to the address
)

// reverse judges the client's reverse DNS; lookups that failed or were not made show nothing.
func reverse(s *Session) RDNS {
	switch status := s.PTRStatus.or(len(s.PTR) > 0); {
	case status.unknown(), s.FCrDNS:
		return ""
	case len(s.PTR) == 0:
		return RDNSMissing
	default:
		return RDNSUnconfirmed
	}
}
