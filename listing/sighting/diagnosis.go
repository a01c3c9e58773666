package sighting

import "dnsbld/listing/helo"

// Diagnosis is what the counters most likely mean.
type Diagnosis string

// Diagnoses.
const (
	MisSet           Diagnosis = "mis-set-sender"    // one HELO, all bogus
	SecondHost       Diagnosis = "second-host"       // a clean name, and a bogus minority
	FollowsRecipient Diagnosis = "follows-recipient" // the HELO follows the recipient
	ManyNames        Diagnosis = "many-names"        // NAT or hosting
	CannotTell       Diagnosis = "cannot-tell"       // too little is known
)

// Sentence says the diagnosis to the sender.
func (d Diagnosis) Sentence() string {
	switch d {
	case MisSet:
		return "Every session greeted with the same wrong name, which is what a mail server with a wrong setting does."
	case SecondHost:
		return "The mail server at this address greets properly; a smaller part of the sessions does not, so that something else seems to send mail from behind the same address."
	case FollowsRecipient:
		return "The greeting changes with the recipient's domain, which mail servers do not do; software that sends in bulk, or malware, does."
	case ManyNames:
		return "Many different names greet from this address, as happens where many hosts share it, behind a router or at a hosting provider."
	}
	return "Too few sessions were seen to tell what is behind them."
}

// What a diagnosis takes.
const (
	fewBogus  = 3 // bogus sessions under which nothing can be told
	manyNames = 8 // different greetings
)

// diagnose looks at all sessions that are kept of a unit.
func (n *network) diagnose(u unit) Diagnosis {
	all, bogus, clean := 0, 0, 0
	names, wrong, followed := map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
	for c := range n.cells() {
		if !u.has(c) || c.strength == helo.Exempt {
			continue
		}
		all += int(c.n)
		names[c.target] = true
		if c.clean() {
			clean += int(c.n)
		}
		if c.bogus() {
			bogus += int(c.n)
			wrong[c.target] = true
			if c.code.code() == helo.CodeRcptDomain {
				followed[c.target] = true
			}
		}
	}
	switch {
	case bogus < fewBogus:
		return CannotTell
	case len(followed) >= 2:
		return FollowsRecipient
	case len(names) >= manyNames:
		return ManyNames
	case bogus == all && len(wrong) == 1:
		return MisSet
	case clean > 0 && 2*bogus < all:
		return SecondHost
	}
	return CannotTell
}
