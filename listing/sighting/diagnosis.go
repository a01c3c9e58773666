package sighting

import "dnsbld/listing/helo"

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

// Sentence says the diagnosis to the sender, in the same words wherever it is
// said: in `blctl show`, in a letter and on the page of the address.
func (d Diagnosis) Sentence() string {
	switch d {
	case MisSet:
		return "Every session opened with one and the same wrong greeting. That is how a mail server with a wrong setting looks: one line in its configuration is most likely all that has to be changed."
	case SecondHost:
		return "Most sessions greeted properly, and only some did not. So the mail server is most likely set up well, and something else behind the same address sends mail too: another computer or device in the network, a program on the same machine, or another customer if the address is shared. Nothing needs to be changed on the server that greets properly; the other sender has to be found."
	case FollowsRecipient:
		return "The greeting followed whoever was called: it was the domain that the mail was for, or a name or an address of the server that it went to. No setting of an ordinary mail server does that; software that sends in bulk does, and so does malware. A script on a web server, or an infected computer behind the address, is the most likely sender."
	case ManyNames:
		return "Many different names greeted from the one address. So several machines most likely share it, as behind a router that translates addresses (NAT) or at a hosting provider, and at least one of them is at fault."
	}
	return "We cannot tell. There were too few sessions, or they form no pattern that points to one cause, and we would rather not guess."
}

const (
	onlyTheServer = "Let only your mail server connect to port 25 outside: block it for every other machine in the router or firewall. This stops the other sender at once, whatever it is."
	whatIsLogged  = "Look at what the firewall then logs, or at its records for the times given above: they name the machine."
	seeForYou     = `send a mail to a mailbox outside and look at its headers. The topmost line "Received: from NAME" that names your address shows how your server greeted.`
)

// Steps are what a sender can do about it, one step a string.
func (d Diagnosis) Steps() []string {
	switch d {
	case MisSet:
		return []string{
			"Put your mail server's own full host name, such as mail.sender.example, where the name for HELO is set. How, for common mail servers, is said below.",
			"Check it: " + seeForYou,
		}
	case SecondHost:
		return []string{onlyTheServer, whatIsLogged,
			"If that machine is meant to send mail, set its name for HELO as said below, or let it send through your mail server."}
	case FollowsRecipient:
		return []string{onlyTheServer, whatIsLogged,
			"Examine that machine. On a web server look for scripts that send mail by themselves, and for files that you did not put there; have a desktop checked for malware.",
			"If you send in bulk on purpose, make that software greet with its own host name."}
	case ManyNames:
		return []string{
			"Give the mail server an address of its own, if you can, so that others do not speak for it.",
			"Let only mail servers connect to port 25 outside. Other machines hand their mail to a mail server, on port 587.",
			"Look in the logs of the router or firewall for the times given above: they name the machines that are at fault.",
		}
	}
	return []string{
		"See how your own mail server greets: " + seeForYou + " If it is not the server's full host name, what is said below on setting it helps.",
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

// diagnose looks at all sessions that are kept of a unit. The order matters: what
// follows the recipient has many names, too.
func (n *record) diagnose(u unit) Diagnosis {
	switch g := n.greetings(u); {
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
