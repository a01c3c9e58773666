package sighting

import (
	"fmt"

	"dnsbld/listing/helo"
)

// Diagnosis is what the counters most likely mean.
type Diagnosis string

// Diagnoses.
const (
	MisSet           Diagnosis = "mis-set-sender"    // one HELO, all bogus
	SecondHost       Diagnosis = "second-host"       // a clean name, and a bogus minority
	FollowsRecipient Diagnosis = "follows-recipient" // the HELO follows the recipient, or is the receiving server's own
	ManyNames        Diagnosis = "many-names"        // NAT or hosting
	CannotTell       Diagnosis = "cannot-tell"       // too little is known
)

// Diagnoses are all of them.
func Diagnoses() []Diagnosis {
	return []Diagnosis{MisSet, SecondHost, FollowsRecipient, ManyNames, CannotTell}
}

// Sentence says the diagnosis to the sender. Account says more of a second host.
func (d Diagnosis) Sentence() string {
	switch d {
	case MisSet:
		return "Every session opened with one and the same wrong greeting: most likely one setting of a mail server is wrong."
	case SecondHost:
		return "Most sessions greeted properly, and only some did not. So the mail server is most likely set up well: leave it alone. Another machine or program behind the same address sends mail too, and has to be found."
	case FollowsRecipient:
		return "The greeting followed the server that was called: it was the domain that the mail was for, or a name or an address of that server. Mail servers do not do that; bulk mail software and malware do. Most likely a script on a web server or an infected computer is the sender."
	case ManyNames:
		return "Many different greetings came from this one address. So several machines most likely share it, as behind a router that translates addresses (NAT) or at a hosting provider, and at least one of them is at fault."
	}
	return "We cannot tell what causes it. There were too few sessions, or they form no pattern that points to one cause, and we would rather not guess."
}

// ServerAtFault reports whether a mail server may have a wrong setting, so that it
// helps to say how its name is set.
func (d Diagnosis) ServerAtFault() bool { return d == MisSet || d == CannotTell || d == "" }

// These are the sentences of a second host. Whoever runs a proper mail server is
// told first to leave it as it is.
const (
	saysProperAll = "Your mail server %s greeted properly in all %d sessions; leave it alone."
	saysProper    = "Your mail server %s greeted properly in %d sessions; leave it alone."
	saysProperAny = "Mail servers behind %s greeted properly in %d sessions; leave them alone."
)

// otherMachine says how the other machine greeted: more than once, and once.
func otherMachine(as helo.Code) (often, once string) {
	switch as {
	case helo.CodeOurIP, helo.CodeOurName:
		return "Another machine behind %s claimed to be our server %d times and is probably infected.",
			"Another machine behind %s claimed once to be our server and is probably infected."
	case helo.CodeRcptDomain:
		return "Another machine behind %s claimed %d times to be the very domain that it wrote to and is probably infected.",
			"Another machine behind %s claimed once to be the very domain that it wrote to and is probably infected."
	case helo.CodeBareIP:
		return "Another machine or program behind %s gave an IP address instead of its name %d times; that is the one to find.",
			"Another machine or program behind %s once gave an IP address instead of its name; that is the one to find."
	}
	return "Another machine or program behind %s greeted with what is not its own %d times; that is the one to find.",
		"Another machine or program behind %s once greeted with what is not its own; that is the one to find."
}

// Account is what the counters of an address mean, with what that rests on.
type Account struct {
	Diagnosis
	Server string    // the mail server that greets properly, by its name; empty: it is not known, or not one alone
	Proper int       // sessions in which it did, or all proper ones
	All    bool      // it never greeted otherwise
	As     helo.Code // how most bogus sessions greeted
	Bogus  int       // these
}

// Sentence is a sentence in English and its arguments, in the form of fmt.Sprintf.
type Sentence struct {
	English string
	Args    []any
}

func (s Sentence) String() string { return fmt.Sprintf(s.English, s.Args...) }

// Account sums up.
func (f Facts) Account() Account {
	a := Account{Diagnosis: f.Diagnosis, Proper: f.Clean}
	codes := map[helo.Code]int{}
	for _, day := range f.Days {
		for code, n := range day.ByCode {
			codes[code] += n
		}
	}
	for _, code := range []helo.Code{helo.CodeOurIP, helo.CodeOurName, helo.CodeRcptDomain, helo.CodeBareIP, helo.CodeForgedLiteral} {
		if n := min(codes[code], f.Bogus); n > a.Bogus {
			a.As, a.Bogus = code, n
		}
	}
	// Sessions that are neither proper nor bogus gave a name that is wrong and does no
	// harm. They are not counted by name: a name is vouched for only if most proper
	// sessions are its own even when all of those are too.
	neither := f.Sessions - f.Clean - f.Bogus
	for _, h := range f.HELOs {
		if h.Bogus == 0 && h.Count > 1 && h.Count <= f.Clean && 2*(h.Count-neither) > f.Clean {
			a.Server, a.Proper, a.All = h.HELO, h.Count, f.Clean+f.Bogus == f.Sessions
		}
	}
	return a
}

// Sentences say the account to the sender, in the same words wherever it is said: in
// `blctl show`, in a letter and on the page of the address.
func (a Account) Sentences(address string) []Sentence {
	if a.Diagnosis != SecondHost || a.Bogus == 0 || a.Proper < 2 {
		return []Sentence{{English: a.Diagnosis.Sentence()}}
	}
	proper := Sentence{saysProperAny, []any{address, a.Proper}}
	if a.Server != "" {
		proper = Sentence{saysProper, []any{a.Server, a.Proper}}
		if a.All {
			proper.English = saysProperAll
		}
	}
	often, once := otherMachine(a.As)
	other := Sentence{often, []any{address, a.Bogus}}
	if a.Bogus == 1 {
		other = Sentence{once, []any{address}}
	}
	return []Sentence{proper, other}
}

const (
	onlyTheServer = "Let only your mail server connect to port 25 outside: block it for all other machines in the router or firewall."
	whatIsLogged  = "Look at what the firewall then logs: it tells which machine it is."
)

// Steps are what a sender can do about it, one step a string.
func (d Diagnosis) Steps() []string {
	switch d {
	case MisSet:
		return []string{
			"Have your mail server say its own full host name in HELO, such as mail.sender.example.",
			`Check it: send a mail elsewhere. In its headers the topmost line "Received: from NAME" with your address shows how your server greeted.`,
		}
	case SecondHost:
		return []string{onlyTheServer, whatIsLogged, "If that machine is meant to send mail, let it send through your mail server."}
	case FollowsRecipient:
		return []string{onlyTheServer, whatIsLogged,
			"Examine that machine: on a web server look for scripts that send mail and files that you did not put there; have a desktop checked for malware.",
			"If you send in bulk on purpose, make that software greet with its own host name."}
	case ManyNames:
		return []string{
			"Give the mail server an address of its own, if you can, so that others do not speak for it.",
			"Let only mail servers connect to port 25 outside. Other machines hand their mail to a mail server, on port 587.",
			"Look in the logs of the router or firewall for the times that we name: they tell which machines are at fault.",
		}
	}
	return []string{
		`See how your mail server greets: send a mail elsewhere. In its headers the topmost line "Received: from NAME" with your address shows it. If that is not the server's full host name, set it.`,
		"If it is, something else behind the address sends mail. Let only your mail server connect to port 25 outside, and look at what the firewall then logs.",
	}
}

// The limits of a diagnosis.
const (
	fewBogus  = 3 // with fewer bogus sessions there is no pattern
	manyNames = 8 // different greetings
)

// greetings sum up how a unit greeted, in all sessions that are kept.
type greetings struct {
	all, bogus, clean int
	confirmed         int             // clean ones that DNS bears out
	mimics            int             // bogus ones by our own address or name
	names             map[uint32]bool // different greetings
	wrong             map[uint32]bool // different bogus ones
	followed          map[uint32]bool // different domains of recipients
}

func (n *record) greetings(u unit) greetings {
	g := greetings{names: map[uint32]bool{}, wrong: map[uint32]bool{}, followed: map[uint32]bool{}}
	for c := range n.cells() {
		if u.has(c) && c.strength != helo.Exempt {
			g.add(c)
		}
	}
	return g
}

func (g *greetings) add(c *cell) {
	k := int(c.n)
	g.all += k
	g.names[c.target] = true
	if c.clean() {
		g.clean += k
	}
	if c.confirmed() {
		g.confirmed += k
	}
	if !c.bogus() {
		return
	}
	g.bogus += k
	g.wrong[c.target] = true
	switch c.code.code() {
	case helo.CodeRcptDomain:
		g.followed[c.target] = true
	case helo.CodeOurIP, helo.CodeOurName:
		g.mimics += k
	}
}

// diagnose looks at all sessions that are kept of a unit. The order matters: where
// most sessions are those of a mail server that DNS bears out, that one is left
// alone whatever the others do; what follows the recipient has many names, too.
func (n *record) diagnose(u unit) Diagnosis {
	switch g := n.greetings(u); {
	case g.bogus > 0 && 2*g.confirmed > g.all:
		return SecondHost
	case g.bogus < fewBogus:
		return CannotTell
	case len(g.followed) >= 2, 2*g.mimics >= g.bogus:
		return FollowsRecipient
	case len(g.names) >= manyNames:
		return ManyNames
	case g.bogus == g.all && len(g.wrong) == 1:
		return MisSet
	case g.clean > 0 && 2*g.bogus < g.all:
		return SecondHost
	}
	return CannotTell
}
