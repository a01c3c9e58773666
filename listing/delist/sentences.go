package delist

import (
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// stamp writes an instant for people.
func stamp(t time.Time) string { return language.Stamp(t) }

// count writes a number of things: "1 session", "4 sessions".
func count(n int, thing string) string { return (*language.Language)(nil).Count(n, thing) }

// say says a sentence in the language of who asks.
func (v *view) say(english string, args ...any) string { return v.Language.Say(english, args...) }

// words say a decision to the sender, and what would change it.
func (v *view) words(code removal.Code) (sentence, changes string) {
	switch code {
	case removal.NotListed:
		return v.say("%s is not listed here.", v.Address),
			v.say("Nothing needs to change here. If mail is still refused, the text of the refusal says which list refused it.")
	case removal.RateLimit:
		return v.rateLimit()
	case removal.Network, removal.ManualHold:
		return v.held(code)
	case removal.Identity:
		changes = v.say("We need a proof for %s itself.", v.Address)
		if v.Probing {
			changes = v.say("We need a proof for %s itself, for example a mail sent from it to the probe address.", v.Address)
		}
		return v.say("The proof is for %s; it says nothing about %s.", v.Offered.Address, v.Address), changes
	case removal.OKSupport:
		if v.any(func(e Listing) bool { return e.Capped }) {
			return v.say("So many addresses were taken out of the list that %s comes from today that a person looks at each further one.", v.Address),
				v.say("Nothing more is needed from you than to ask our support.")
		}
		return v.say("Our support can end the listing of %s now.", v.Address),
			v.say("Nothing more is needed from you than to ask our support.")
	case removal.OKSelf:
		return v.say("You can end the listing of %s now, without our help.", v.Address),
			v.say("Nothing more is needed than to ask for removal on the page of the address, once the cause is fixed.")
	}
	return v.conduct(code)
}

// conduct is the words for codes that rest on how the address behaves.
func (v *view) conduct(code removal.Code) (sentence, changes string) {
	switch code {
	case removal.StillOffending:
		wait := coolDown(v.level)
		return v.say("The last bogus greeting from %s came at %s, less than %s ago.", v.Address, v.Counters.LastBogus, wait),
			v.say("Ask again after %s without a bogus greeting, that is from %s on; each new one starts this time again.", wait, v.cooled()) + v.orProbe()
	case removal.MixedTraffic:
		return v.mixed()
	case removal.RepeatLockout:
		return v.say("%s has come back on this list again and again: its listing is at level %d, and the level rises only when an address is listed again within 90 days of its last listing.", v.Address, v.level),
			v.say("The listing ends by itself at %s if no new bogus greeting is seen. Before that, only an appeal can end it: another person then looks at it.", v.endOf(func(e Listing) bool { return e.Level >= lockoutLevel }))
	case removal.ExpiresSoon:
		return v.say("The listing of %s ends by itself at %s, within %s.", v.Address, v.ends(), soon),
			v.say("Nothing needs to be done. A new bogus greeting before then would extend it.")
	default:
		return v.noProof()
	}
}

func (v *view) rateLimit() (sentence, changes string) {
	recent, most, what := v.recent(v.Requests), v.perWeek(), "In the last 7 days %s of yours came for %s without a proof of who has the address; we decide at most %d such in that time."
	if !v.spent() {
		recent, most, what = v.recent(v.Crowd), CrowdFactor*v.perWeek(), "In the last 7 days %s came for %s without a proof of who has the address; we decide at most %d such in that time."
	}
	slices.SortFunc(recent, time.Time.Compare)
	free := recent[len(recent)-most].Add(requestWindow)
	sentence = v.say(what, v.Language.Count(len(recent), "request"), v.Address, most)
	if end := v.ends(); !free.Before(end) {
		return sentence, v.say("The listing ends by itself at %s if nothing new is seen, before another such request can be decided. If you show that the address is yours, you are heard at once.", end)
	}
	return sentence, v.say("The next request can be decided at %s. More requests do not speed it up; ending the cause does. If you show that the address is yours, you are heard at once.", free)
}

// held is the words for entries that only operators end.
func (v *view) held(code removal.Code) (sentence, changes string) {
	reason := listing.Manual
	if code == removal.Network {
		reason = listing.Network
	}
	what := v.say("%s was listed by a person, the operator of this list, and not by the rules that count greetings.", v.Address)
	if n := slices.IndexFunc(v.entries, func(e Listing) bool {
		return e.Reason == reason && e.Subject.IsValid() && (code == removal.Network || !e.Subject.IsHost())
	}); n >= 0 {
		what = v.say("%s belongs to a network that the operator of this list has listed as a whole, %s.", v.Address, v.entries[n].Subject)
	}
	end := v.endOf(func(e Listing) bool { return e.Reason == reason })
	return what, v.say("The listing ends at %s unless the operator renews it. Only the operator can end it sooner; an appeal is looked at by another person than the one who decided.", end)
}

// endOf is when the last of some entries ends.
func (v *view) endOf(is func(Listing) bool) time.Time {
	var last time.Time
	for _, e := range v.entries {
		if is(e) && e.Until.After(last) {
			last = e.Until
		}
	}
	return last
}

func (v *view) mixed() (sentence, changes string) {
	c := v.Counters
	what := v.say("In the 24 hours up to %s, when the last bogus greeting came, we counted %s that greeted properly from %s and %s that did not.",
		c.LastBogus, v.Language.Count(c.Clean, "session"), v.Address, v.Language.Count(c.Bogus, "session"))
	when := v.say("Find the other sender behind the address and stop it. The listing ends at %s at the latest if nothing new is seen.", v.ends())
	if early := c.LastBogus.Add(listing.Day); v.any(func(e Listing) bool { return e.Origin == listing.ByThreshold }) && early.Before(v.ends()) {
		when += " " + v.say("It ends sooner by itself, from %s on, after 20 confirmed proper greetings (5 for a small sender) and no bogus one.", early)
	}
	return what, when + v.orProbe()
}

const withoutWaiting = "Without waiting: once the cause is gone, a mail from the address to its probe address shows it."

// orProbe is the way that needs no waiting, where there is one.
func (v *view) orProbe() string {
	if !v.Probing {
		return ""
	}
	return " " + v.say(withoutWaiting)
}

func (v *view) noProof() (sentence, changes string) {
	if v.any(func(e Listing) bool { return unmended(e) && e.Looked }) {
		return v.say("We looked just now, and what %s is listed for can still be seen.", v.Address),
			v.say("The listing can be ended as soon as it is fixed: ask again then, and we look again. DNS may keep an old answer for some minutes.")
	}
	if v.any(unmended) {
		return v.say("The listing of %s can be ended as soon as what it is listed for is fixed.", v.Address),
			v.say("Fix it and ask for removal: we look then, and the listing ends at once if it is fixed.")
	}
	if v.any(func(e Listing) bool { return e.Word }) && !v.controlled() {
		return v.onWord(), v.bestControl()
	}
	if v.Counters.LastBogus.IsZero() {
		return v.say("The listing of %s was ended at the sender's word within the last 30 days already. This time we need proof that the cause is gone, and none has come.", v.Address), v.bestProof()
	}
	return v.say("The listing of %s was ended at the sender's word within the last 30 days already. This time we need proof that the cause is gone, and none has come since the last bogus greeting, at %s.", v.Address, v.Counters.LastBogus),
		v.bestProof()
}

// onWord says on whose word a listing rests that takes proof of control.
func (v *view) onWord() string {
	person := v.any(func(e Listing) bool { return e.Word && e.Source == "" })
	switch list := v.any(func(e Listing) bool { return e.Word && e.Source != "" }); {
	case !list:
		return v.say("The listing of %s was made by a person. To end it we need proof that the address is yours, and none has come.", v.Address)
	case !person:
		return v.say("The listing of %s was taken over from another list. To end it we need proof that the address is yours, and none has come.", v.Address)
	}
	return v.say("The listing of %s was made by a person and taken over from another list. To end it we need proof that the address is yours, and none has come.", v.Address)
}

// bestProof is what to send, where there is a probe address, and what comes by
// itself.
func (v *view) bestProof() string {
	if !v.Probing {
		return v.say("Properly greeted sessions that our servers see are proof.")
	}
	return v.say("The best proof is a mail sent from the address to the probe address: it shows who controls the address and how it greets. Properly greeted sessions that our servers see are proof as well.")
}

// bestControl is what to send where control of the address is to be shown.
func (v *view) bestControl() string {
	if !v.Probing {
		return v.say("A request on the page of the address is proof if it comes from the address itself.")
	}
	return v.say("A mail sent from the address to its probe address is proof; so is a request on the page of the address, if it comes from the address itself.")
}

// Because says to the sender why a listing ended, after "because"; empty where
// that is of no use to him.
func Because(r listing.DelistReason) string {
	switch r {
	case listing.Expired:
		return "its time was over"
	case listing.AutoHeal:
		return "the address greeted properly again"
	case listing.SelfService:
		return "the sender asked for it"
	case listing.FixedVerified:
		return "the cause was fixed"
	case listing.FixedClaimed:
		return "we were told that the cause was fixed"
	case listing.OurError, listing.FalsePositive:
		return "it was our mistake"
	case listing.AppealUpheld:
		return "an appeal was right"
	case listing.SharedIP:
		return "the address is shared"
	case listing.IPReassigned:
		return "the address has a new holder"
	}
	return ""
}
