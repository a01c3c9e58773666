package listing

import (
	"iter"
	"slices"
)

const (
	days = Life(Day)

	greets = "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1; RFC 1123, section 5.2.5). "
)

// builtin is what is known of the built-in reasons. To add a reason is to add
// its line here; a letter says more of it than its explanation if there is a
// template reason-SYMBOL. Numbers are append-only; 10 and 11 stay unused, for
// they are read as dynamic-address lists. The ranks give the order 21, 3, 5,
// 20, 4, 2, 6, 7, 22, 23, then by number.
var builtin = [...]ReasonInfo{
	{Code: Network, Symbol: "network", Basis: BasisOther, Rank: 1,
		Text:        "belongs to a network listed by the operator of this list",
		Explanation: "Two persons who run this list decided to list the network as a whole. It does not say that this address itself did anything.",
		Published:   true, Longest: 30 * days, Repeat: 1, TwoPersons: true, SelfDelist: SelfNo},
	{Code: OurIP, Symbol: "helo-our-ip", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 2,
		Text: "greeted our servers with our own IP address in HELO", Title: "our own address",
		Explanation: greets + "The address of one of our own servers came in its place, as if the sender were that server.",
		Published:   true, Base: 7 * days, Longest: 90 * days, Repeat: 2, SelfDelist: SelfProof},
	{Code: OurName, Symbol: "helo-our-name", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 3,
		Text: "greeted our servers with our own host name in HELO", Title: "our own name",
		Explanation: greets + "The name of one of our own servers came in its place, and that name does not lead to this address in DNS.",
		Published:   true, Base: 7 * days, Longest: 90 * days, Repeat: 2, SelfDelist: SelfProof},
	{Code: Manual, Symbol: "manual", Basis: BasisOther, Rank: 4,
		Text:        "was listed by the operator of this list",
		Explanation: "A person who runs this list decided it. No counting rule did.",
		Published:   true, Longest: 30 * days, Repeat: 1, SelfDelist: SelfNo},
	{Code: RcptName, Symbol: "helo-rcpt-domain", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 5,
		Text: "greeted our servers with the recipient's own domain in HELO", Title: "the recipient's domain",
		Explanation: greets + "The domain that the mail was for came in its place, and that name does not lead to this address in DNS. It has nothing to do with the command RCPT TO, nor with whether the recipient exists.",
		Published:   true, Base: 7 * days, Longest: 90 * days, Repeat: 2, SelfDelist: SelfProof},
	{Code: BareIP, Symbol: "helo-bare-ip", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 6,
		Text: "greeted our servers with an IP address instead of a host name in HELO", Title: "an address instead of a name",
		Explanation: greets + "A bare IP address came in its place. An address may stand there only in square brackets (RFC 5321, section 4.1.3).",
		Published:   true, Base: 3 * days, Longest: 90 * days, Repeat: 2, SelfDelist: SelfTwice},
	{Code: ForgedLiteral, Symbol: "helo-forged-literal", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 7,
		Text: "greeted our servers with the address literal of another host in HELO", Title: "another host's address",
		Explanation: "In HELO or EHLO a host without a name may give its own address, in square brackets (RFC 5321, section 4.1.3). The addresses that came were not its own.",
		Published:   true, Base: 3 * days, Longest: 90 * days, Repeat: 2, SelfDelist: SelfYes},
	{Code: Rotating, Symbol: "helo-rotating", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 8,
		Text: "greeted our servers with a different host name in HELO each time", Title: "ever another name",
		Explanation: greets + "This address said a different name each time.",
		Base:        3 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfYes},
	{Code: Repeat, Symbol: "repeat", Basis: BasisOther, Counted: true, Rank: 9,
		Text:        "has been listed here repeatedly",
		Explanation: "The address was listed again within 90 days of an earlier listing, more than once. This entry accompanies the main reason and ends with it.",
		Published:   true, Longest: 90 * days, Repeat: 1, SelfDelist: SelfNo},
	{Code: Imported, Symbol: "imported", Basis: BasisOther, Needs: Needs{Source: true}, Rank: 10,
		Text:        "is on a list that this list includes",
		Explanation: "We take in another list, and it holds this address. Our own servers need not have seen anything. It is best removed there: then it does not come back.",
		Published:   true, Base: 7 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfYes},
	{Code: Localhost, Symbol: "helo-localhost", Basis: BasisHELO, Needs: greetingNeeds, Counted: true, Rank: 100,
		Text: "greeted our servers as localhost in HELO", Title: "no name of its own",
		Explanation: greets + "The name that came was localhost, by which every computer knows itself.",
		Base:        3 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfYes},
	{Code: Malformed, Symbol: "helo-malformed", Basis: BasisHELO, Rank: 100, Counted: true,
		Needs: Needs{Time: true, Receiver: true, Sessions: true}, // the greeting may be empty
		Text:  "greeted our servers with a malformed name in HELO", Title: "no host name",
		Explanation: greets + "What came cannot be a host name (RFC 5321, section 4.1.2).",
		Base:        1 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfYes},
	{Code: NoReverse, Symbol: "rdns-missing", Basis: BasisRDNS, Needs: Needs{Time: true}, Counted: true, Rank: 100,
		Text:        "has no reverse DNS name",
		Explanation: "DNS has no name for this address. Whoever provides the address can enter one.",
		Base:        3 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfFixed},
	{Code: Unconfirmed, Symbol: "rdns-unconfirmed", Basis: BasisRDNS, Needs: Needs{Time: true}, Counted: true, Rank: 100,
		Text:        "has a reverse DNS name that does not resolve back to it",
		Explanation: "DNS has a name for this address, but that name does not lead back to it. The two entries can be made to agree.",
		Base:        3 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfFixed},
	{Code: RcptBogus, Symbol: "rcpt-bogus", Basis: BasisRcpt, Needs: Needs{Sessions: true}, Counted: true, Rank: 100,
		Text:        "sent mail to many recipients that do not exist",
		Explanation: "Much of the mail from this address went to recipients that do not exist, as happens with old or guessed address lists.",
		Base:        1 * days, Longest: 90 * days, Repeat: 1, SelfDelist: SelfFixed},
}

// DefaultReasons is the catalogue as it is without configuration.
func DefaultReasons() []ReasonInfo { return slices.Clone(builtin[:]) }

// EachDefault are the built-in reasons as they are without configuration.
func EachDefault() iter.Seq[ReasonInfo] { return slices.Values(builtin[:]) }

// DefaultReason is a built-in reason as it is without configuration. What rules
// are about does not change with the configuration: number, symbol and kind.
func DefaultReason(r Reason) (ReasonInfo, bool) {
	for n := range builtin {
		if builtin[n].Code == r {
			return builtin[n], true
		}
	}
	return ReasonInfo{}, false
}
