package report

import (
	"fmt"
	"math"
	"net/netip"

	"dnsbld/listing"
)

// entries: each ends, none over its cap, and none so wide that it lists a good
// part of the world.
func (c *checkup) entries() error {
	var found census
	now, policy := c.Book.Now(), c.rules.Policy
	err := c.Book.Store().View(c.ctx, func(snap listing.Snapshot) error {
		return List(snap, Rows{Reasons: c.rules.Reasons}, Query{}, now, func(e listing.Entry) error {
			if e.Except {
				return nil
			}
			longest := policy.Longest
			if info, ok := c.rules.Reasons.Info(e.Reason); ok && e.Source == "" {
				longest = min(longest, info.Longest)
			}
			if e.Until.Sub(now) > longest.Duration() {
				found.endless = append(found.endless, fmt.Sprintf("%s lives longer than %s", e.Subject.Text(), longest))
			}
			widest := policy.WidestV6
			if e.Subject.Addr().Is4() {
				widest = policy.WidestV4
				found.v4 += e.Subject.Addresses()
			}
			if e.Subject.Bits() < widest {
				found.wide = append(found.wide, e.Subject.String()+" is wider than anything may be")
			}
			found.entries++
			return nil
		})
	})
	c.verdict("temporary", "2.2.1", Fail, found.endless, fmt.Sprintf("each of %d entries ends, none later than its cap", found.entries))
	c.verdict("width", "3.4", Fail, found.wide, "no entry is wider than policy.widest_v4 and policy.widest_v6 let it be")
	c.size(found.v4)
	if err != nil {
		return err
	}
	return c.hidden(found.entries)
}

// hidden: what allow entries hide is the exception. One that is wider than anybody
// may make, from before there were bounds, or that hides most of the list is a
// mistake.
func (c *checkup) hidden(entries int) error {
	var found Hidden
	err := c.Book.Store().View(c.ctx, func(snap listing.Snapshot) error {
		i, err := listing.InstantOf(snap, c.rules, c.Book.Now())
		if err == nil {
			found, err = HiddenIn(snap, i)
		}
		return err
	})
	var by []string
	for _, h := range found.By {
		by = append(by, fmt.Sprintf("%d by the allow entry for %s, owner %s", h.Entries, h.Subject.Text(), h.Owner))
	}
	share := float64(found.Entries) / float64(max(entries, 1))
	switch text := fmt.Sprintf("%d of %d listed entries are hidden", found.Entries, entries); {
	case found.Entries == 0:
		c.add("hidden", "3.8", Pass, "no allow entry hides a listed entry")
	case found.Entries >= fewHidden && share > mostHidden:
		c.verdict("hidden", "3.8", Fail, append([]string{text}, by...), "")
	case found.Entries >= fewHidden && share > muchHidden:
		c.verdict("hidden", "3.8", Warn, append([]string{text}, by...), "")
	default:
		c.verdict("hidden", "3.8", Pass, append([]string{text}, by...), "")
	}
	return err
}

// How much of a list allow entries may hide before somebody should look, and from
// how many entries on the share says something.
const (
	muchHidden = 0.1
	mostHidden = 0.5
	fewHidden  = 10
)

// census is what a walk over all entries found.
type census struct {
	entries       int
	v4            float64 // addresses that they list at most
	endless, wide []string
}

// size: a list that holds a good part of the Internet is a mistake.
func (c *checkup) size(v4 float64) {
	const some, many = 0.02, 0.2
	share := v4 / math.Exp2(32)
	grade := Pass
	switch {
	case share > many:
		grade = Fail
	case share > some:
		grade = Warn
	}
	c.add("size", "3.8", grade, "the entries list at most %.3g %% of all IPv4 addresses", 100*share)
}

// world: the list does not list the world, whatever its entries say: hardly any
// of the addresses that are spread over all of it are answered as listed.
func (c *checkup) world() {
	const most = 8 // of some 220
	listed, asked := 0, 0
	for octet := range byte(224) {
		if octet == 0 || octet == 10 || octet == 127 {
			continue
		}
		asked++
		if c.View.Lists(netip.AddrFrom4([4]byte{octet, 99, 77, 55})) {
			listed++
		}
	}
	if listed > most {
		c.add("shutdown", "3.4", Fail, "%d of %d addresses all over the world are listed: a list that ends must be empty, and never list the world", listed, asked)
		return
	}
	c.add("shutdown", "3.4", Pass, "a zone that is shut down is empty, and of %d addresses all over the world %d are listed", asked, listed)
}

// special: addresses that nobody has of his own are never listed.
func (c *checkup) special() {
	var wrong []string
	for _, text := range []string{"0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.0.1", "172.16.0.1", "192.168.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "fc00::1", "fe80::1", "ff02::1", "64:ff9b::1"} {
		if c.View.Lists(netip.MustParseAddr(text)) {
			wrong = append(wrong, text+" is listed")
		}
	}
	c.verdict("special", "3.5", Fail, wrong, "no private, local or multicast address is listed")
}

// canaries: what must never be listed is not.
func (c *checkup) canaries() {
	canaries := c.rules.Policy.Canaries
	if len(canaries) == 0 {
		c.add("canaries", "3.8", Warn, "no canaries are named: set policy.canaries to big senders, whose listing is a sign of a mistake")
		return
	}
	var wrong []string
	for _, s := range canaries {
		if c.View.Overlaps(s.Prefix) {
			wrong = append(wrong, s.Text()+" is listed, or a part of it")
		}
	}
	c.verdict("canaries", "3.8", Fail, wrong, "none of the canaries is listed")
}
