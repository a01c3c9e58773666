package listing

// DefaultReasons is the catalogue as it is without configuration. Numbers are
// append-only; 10 and 11 stay unused, for they are read as dynamic-address
// lists. The ranks give the order 21, 3, 5, 20, 4, 2, 6, 7, 22, 23, then by
// number.
func DefaultReasons() []ReasonInfo {
	const d = Life(Day)
	heloReason := func(code Reason, symbol string, rank int, base Life, self SelfDelist, text string) ReasonInfo {
		return ReasonInfo{Code: code, Symbol: symbol, Text: text, Published: true, Base: base,
			Longest: 90 * d, Repeat: 2, SelfDelist: self, Rank: rank}
	}
	shadow := func(code Reason, symbol string, rank int, base Life, self SelfDelist, text string) ReasonInfo {
		return ReasonInfo{Code: code, Symbol: symbol, Text: text, Base: base,
			Longest: 90 * d, Repeat: 1, SelfDelist: self, Rank: rank}
	}
	return []ReasonInfo{
		{Code: Network, Symbol: "network", Text: "belongs to a network listed by the operator of this list",
			Published: true, Longest: 30 * d, Repeat: 1, TwoPersons: true, SelfDelist: SelfNo, Rank: 1},
		heloReason(OurIP, "helo-our-ip", 2, 7*d, SelfProof, "greeted our servers with our own IP address in HELO"),
		heloReason(OurName, "helo-our-name", 3, 7*d, SelfProof, "greeted our servers with our own host name in HELO"),
		{Code: Manual, Symbol: "manual", Text: "was listed by the operator of this list",
			Published: true, Longest: 30 * d, Repeat: 1, SelfDelist: SelfNo, Rank: 4},
		heloReason(RcptName, "helo-rcpt-domain", 5, 7*d, SelfProof, "greeted our servers with the recipient's own domain in HELO"),
		heloReason(BareIP, "helo-bare-ip", 6, 3*d, SelfTwice, "greeted our servers with an IP address instead of a host name in HELO"),
		heloReason(6, "helo-forged-literal", 7, 3*d, SelfYes, "greeted our servers with the address literal of another host in HELO"),
		shadow(7, "helo-rotating", 8, 3*d, SelfYes, "greeted our servers with a different host name in HELO each time"),
		{Code: Repeat, Symbol: "repeat", Text: "has been listed here repeatedly",
			Published: true, Longest: 90 * d, Repeat: 1, SelfDelist: SelfNo, Rank: 9},
		{Code: Imported, Symbol: "imported", Text: "is on a list that this list includes",
			Published: true, Base: 7 * d, Longest: 90 * d, Repeat: 1, SelfDelist: SelfYes, Rank: 10},
		shadow(8, "helo-localhost", 100, 3*d, SelfYes, "greeted our servers as localhost in HELO"),
		shadow(9, "helo-malformed", 100, 1*d, SelfYes, "greeted our servers with a malformed name in HELO"),
		shadow(12, "rdns-missing", 100, 3*d, SelfFixed, "has no reverse DNS name"),
		shadow(13, "rdns-unconfirmed", 100, 3*d, SelfFixed, "has a reverse DNS name that does not resolve back to it"),
		shadow(14, "rcpt-bogus", 100, 1*d, SelfFixed, "sent mail to many recipients that do not exist"),
	}
}
