package delist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// stamp writes an instant for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span writes a duration for people, in the largest unit that fits.
func span(d time.Duration) string {
	switch {
	case d >= 2*listing.Day:
		return fmt.Sprintf("%d days", d/listing.Day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	default:
		return fmt.Sprintf("%d seconds", d/time.Second)
	}
}

// count writes a number of things: "1 session", "4 sessions".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// words say a decision to the sender, and what would change it.
func (v *view) words(code removal.Code) (sentence, changes string) {
	switch code {
	case removal.NotListed:
		return fmt.Sprintf("%s is not listed here.", v.Address),
			"Nothing needs to change here. If mail is still refused, the text of the refusal says which list refused it."
	case removal.RateLimit:
		return v.rateLimit()
	case removal.Network, removal.ManualHold:
		return v.held(code)
	case removal.Identity:
		return fmt.Sprintf("The proof is for %s; it says nothing about %s.", v.Offered.Address, v.Address),
			fmt.Sprintf("A proof for %s itself%s.", v.Address, map[bool]string{true: ", for example a mail sent from it to the probe address"}[v.Probing])
	case removal.OKSupport:
		if v.any(func(e Listing) bool { return e.Capped }) {
			return fmt.Sprintf("So many addresses were taken out of the list that %s comes from today that a person looks at each further one.", v.Address),
				"Nothing more is needed from you than to ask our support."
		}
		return fmt.Sprintf("Our support can end the listing of %s now.", v.Address),
			"Nothing more is needed from you than to ask our support."
	case removal.OKSelf:
		return fmt.Sprintf("You can end the listing of %s now, without our help.", v.Address),
			"Nothing more is needed than to ask for removal on the page of the address, once the cause is fixed."
	}
	return v.conduct(code)
}

// conduct is the words for codes that rest on how the address behaves.
func (v *view) conduct(code removal.Code) (sentence, changes string) {
	switch code {
	case removal.StillOffending:
		wait := coolDown(v.level)
		return fmt.Sprintf("The last bogus greeting from %s came at %s, less than %s ago.", v.Address, stamp(v.Counters.LastBogus), span(wait)),
			fmt.Sprintf("%s without a bogus greeting, that is until %s; each new one starts this time again.", capital(span(wait)), stamp(v.cooled())) + v.orProbe()
	case removal.MixedTraffic:
		return v.mixed()
	case removal.RepeatLockout:
		return fmt.Sprintf("%s has come back on this list again and again: its listing is at level %d, and the level rises only when an address is listed again within 90 days of its last listing.", v.Address, v.level),
			fmt.Sprintf("It ends by itself at %s if no new bogus greeting is seen. Before that, only an appeal can end it: another person then looks at it.", v.endOf(func(e Listing) bool { return e.Level >= lockoutLevel }))
	case removal.ExpiresSoon:
		return fmt.Sprintf("The listing of %s ends by itself at %s, within %s.", v.Address, stamp(v.ends()), span(soon)),
			"Nothing needs to be done. A new bogus greeting before then would extend it."
	default:
		return v.noProof()
	}
}

func (v *view) rateLimit() (sentence, changes string) {
	recent, most, whose := v.recent(v.Requests), v.perWeek(), " of yours"
	if !v.spent() {
		recent, most, whose = v.recent(v.Crowd), CrowdFactor*v.perWeek(), ""
	}
	slices.SortFunc(recent, time.Time.Compare)
	free := recent[len(recent)-most].Add(requestWindow)
	what := fmt.Sprintf("%s%s for %s came in the last 7 days without a proof of who has the address; we decide at most %d such in that time.", count(len(recent), "request"), whose, v.Address, most)
	const proven = " Whoever shows that the address is his is heard at once."
	if end := v.ends(); !free.Before(end) {
		return what, fmt.Sprintf("The listing ends by itself at %s if nothing new is seen, before another such request can be decided.", stamp(end)) + proven
	}
	return what,
		fmt.Sprintf("The next request can be decided at %s. More requests do not speed it up; ending the cause does.", stamp(free)) + proven
}

// held is the words for entries that only operators end.
func (v *view) held(code removal.Code) (sentence, changes string) {
	reason := listing.Manual
	if code == removal.Network {
		reason = listing.Network
	}
	what := fmt.Sprintf("%s was listed by a person, the operator of this list, and not by the rules that count greetings.", v.Address)
	if n := slices.IndexFunc(v.entries, func(e Listing) bool {
		return e.Reason == reason && e.Subject.IsValid() && (code == removal.Network || !e.Subject.IsHost())
	}); n >= 0 {
		what = fmt.Sprintf("%s belongs to a network that the operator of this list has listed as a whole, %s.", v.Address, v.entries[n].Subject)
	}
	end := v.endOf(func(e Listing) bool { return e.Reason == reason })
	return what, fmt.Sprintf("It ends at %s unless the operator renews it. Only the operator can end it sooner; an appeal is looked at by another person than the one who decided.", end)
}

// endOf is when the last of some entries ends, for people.
func (v *view) endOf(is func(Listing) bool) string {
	var last time.Time
	for _, e := range v.entries {
		if is(e) && e.Until.After(last) {
			last = e.Until
		}
	}
	return stamp(last)
}

func (v *view) mixed() (sentence, changes string) {
	c := v.Counters
	what := fmt.Sprintf("In the 24 hours up to the last bogus greeting, at %s, we counted %s that greeted properly from %s and %s that did not: two programs or machines seem to share the address, and one of them is at fault.",
		stamp(c.LastBogus), count(c.Clean, "session"), v.Address, count(c.Bogus, "session"))
	when := fmt.Sprintf("Find the other sender behind the address and stop it. The listing ends at %s at the latest if nothing new is seen.", stamp(v.ends()))
	if early := c.LastBogus.Add(listing.Day); v.any(func(e Listing) bool { return e.Origin == listing.ByThreshold }) && early.Before(v.ends()) {
		when += fmt.Sprintf(" It ends sooner by itself, from %s on, when no bogus greeting has come until then, and 20 properly greeted sessions that DNS confirms, 5 for a small sender.", stamp(early))
	}
	return what, when + v.orProbe()
}

// orProbe is the way that needs no waiting, where there is one.
func (v *view) orProbe() string {
	if !v.Probing {
		return ""
	}
	return " Without waiting: once the cause is gone, a mail from the address to its probe address shows it, and you can end the listing at once."
}

func (v *view) noProof() (sentence, changes string) {
	if v.any(func(e Listing) bool { return unmended(e) && e.Looked }) {
		return fmt.Sprintf("We looked just now, and what %s is listed for can still be seen.", v.Address),
			"The listing can be ended as soon as it is fixed: ask again then, and we look again. DNS may keep an old answer for some minutes."
	}
	if v.any(unmended) {
		return fmt.Sprintf("The listing of %s can be ended as soon as what it is listed for is fixed.", v.Address),
			"Fix it and ask for removal: we look then, and the listing ends at once if it is fixed."
	}
	if v.any(func(e Listing) bool { return e.Word }) && !v.controlled() {
		return fmt.Sprintf("The listing of %s rests on the word of another list or of a person, not on what our own servers counted. To end it we need proof that the address is yours, and none has come.", v.Address),
			"Proof. " + v.bestControl()
	}
	since := ""
	if !v.Counters.LastBogus.IsZero() {
		since = fmt.Sprintf(" since the last bogus greeting, at %s", stamp(v.Counters.LastBogus))
	}
	return fmt.Sprintf("The listing of %s was ended at the sender's word within the last 30 days already. This time we need proof that the cause is gone, and none has come%s.", v.Address, since),
		"Proof. " + v.bestProof()
}

// bestProof is what to send, where there is a probe address, and what comes by
// itself.
func (v *view) bestProof() string {
	if !v.Probing {
		return "Properly greeted sessions that our servers see are proof."
	}
	return "The best is a mail sent from the address to the probe address: it shows who controls the address and how it greets. Properly greeted sessions that our servers see are proof as well."
}

// bestControl is what to send where control of the address is to be shown.
func (v *view) bestControl() string {
	if !v.Probing {
		return "A request on the page of the address shows it, if it comes from the address itself."
	}
	return "A mail sent from the address to its probe address shows it; so does a request on the page of the address, if it comes from the address itself."
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

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
		return "the sender had fixed the cause"
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
