package report

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
)

// ServerSerial is what a name server of a zone answers when it is asked for the
// zone's serial.
type ServerSerial struct {
	Zone, Server string
	Serial       uint32
	Err          error // it cannot be asked, or does not answer for the zone
}

// How far a name server may be behind. One that is told nothing looks every
// minute.
const (
	inStep  = 2 * time.Minute
	tooFar  = time.Hour
	allTime = 10 * time.Second // for all that is asked of DNS at once
)

// nameServers: each zone has two, and each answers with the serial of now or of
// a moment ago.
func (c *checkup) nameServers() error {
	var wrong, lost []string
	for _, z := range c.Zones {
		if len(z.NS) < 2 {
			wrong = append(wrong, fmt.Sprintf("%s has %d name servers, and two are needed", z.Name, len(z.NS)))
		}
	}
	asked := 0
	if c.Serials != nil {
		ctx, cancel := context.WithTimeout(c.ctx, allTime)
		defer cancel()
		for _, s := range c.Serials(ctx) {
			asked++
			if s.Err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v", s.Server, s.Err))
				continue
			}
			behind, why, err := c.behind(ctx, s)
			switch {
			case err != nil:
				return err
			case behind >= tooFar:
				lost = append(lost, why)
			case behind >= inStep:
				wrong = append(wrong, why)
			}
		}
	}
	fine := "every zone has two name servers at least; they were not asked, for there is no DNS here"
	if asked > 0 {
		fine = fmt.Sprintf("every zone has two name servers at least, and all %d answer with its serial", asked)
	}
	grade := Warn
	if len(lost) > 0 {
		grade = Fail
	}
	c.verdict("name-servers", "3.2", grade, append(lost, wrong...), fine)
	return nil
}

// behind is how long the first change is ago that a name server has not got.
func (c *checkup) behind(ctx context.Context, s ServerSerial) (time.Duration, string, error) {
	head := uint32(c.View.Revision())
	if ahead := int32(s.Serial - head); ahead > 0 {
		return inStep, fmt.Sprintf("%s has serial %d of %s, which is ahead of ours, %d", s.Server, s.Serial, s.Zone, head), nil
	} else if ahead == 0 {
		return 0, "", nil
	}
	for change, err := range c.Book.Store().OwnChanges(ctx, listing.Revision(s.Serial)) {
		if errors.Is(err, listing.ErrCompacted) {
			return tooFar, fmt.Sprintf("%s has serial %d of %s, from before all that is kept", s.Server, s.Serial, s.Zone), nil
		}
		if err != nil {
			return 0, "", err
		}
		behind := c.Book.Now().Sub(change.Header.Time)
		return behind, fmt.Sprintf("%s has serial %d of %s, ours is %d: it misses what changed since %s", s.Server, s.Serial, s.Zone, head,
			change.Header.Time.UTC().Format(time.RFC3339)), nil
	}
	return 0, "", nil
}

// testPoints: 127.0.0.2 is always answered and 127.0.0.1 never (RFC 5782,
// section 5).
func (c *checkup) testPoints() {
	if c.Answers == nil {
		c.add("test-points", "3.3", Warn, "no zone is answered from here")
		return
	}
	var wrong []string
	for text, listed := range map[string]bool{"127.0.0.1": false, "127.0.0.2": true, "::FFFF:7F00:1": false, "::FFFF:7F00:2": true} {
		for _, a := range c.Answers(netip.MustParseAddr(text)) {
			if (len(a.A) > 0) != listed {
				wrong = append(wrong, fmt.Sprintf("%s in %s: listed is %v", text, a.Zone, len(a.A) > 0))
			}
		}
	}
	slices.Sort(wrong)
	c.verdict("test-points", "3.3", Fail, wrong, "127.0.0.2 is answered in every zone, 127.0.0.1 in none")
}
