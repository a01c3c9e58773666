package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/zone"
)

// zones checks the zones and hands them to the DNS door in its terms. What the door
// finds wrong with them as a whole (a name twice, a missing key) is said only when
// each of them reads well: it would repeat the mistakes.
func (f File) zones(reasons *listing.Reasons, wrong *listing.Mistakes) zone.Config {
	c := zone.Config{Reasons: reasons, Keys: f.keys(), NSID: f.Chaos.NSID,
		Chaos:    f.Chaos.Chaos,
		TCP:      zone.Limits{Limits: connlimit.Limits{All: f.TCP.Connections, PerClient: f.TCP.PerClient, Exempt: f.exempt()}, Idle: f.TCP.Idle.Duration()},
		Cookies:  f.cookies(wrong),
		Coalesce: f.Listen.coalesce(wrong)}
	for _, z := range f.Zones {
		converted, err := z.zone(reasons)
		for _, e := range err {
			wrong.Addf("zone %s: %w", listing.Quote(z.Name), e)
		}
		c.Zones = append(c.Zones, converted)
	}
	if len(*wrong) == 0 {
		wrong.Add(c.Validate())
	}
	return c
}

// cookies are DNS cookies, by the secrets under the one name or the other.
func (f File) cookies(wrong *listing.Mistakes) zone.Cookies {
	c := f.Cookies
	wrong.Unless(len(c.Secrets) == 0 || len(f.Listen.CookieSecrets) == 0, "cookies.secrets is the older name of listen.cookie_secrets: write one of them")
	c.Secrets = slices.Concat(f.Listen.CookieSecrets, c.Secrets)
	return c
}

// zone is one zone, and what is wrong with it.
func (z zoneConfig) zone(reasons *listing.Reasons) (zone.Zone, listing.Mistakes) {
	var wrong listing.Mistakes
	out := zone.Zone{Name: z.Name, Mailbox: z.Mailbox, TXT: z.TXT, Page: z.Page, Policy: z.Policy, Catalog: z.Catalog}
	z.transfers(&out, &wrong)
	z.from(&out, &wrong)
	for _, r := range z.Reasons {
		info, err := reasons.Find(reasonText(r))
		wrong.Add(err)
		out.Reasons = append(out.Reasons, info.Code)
	}
	var err error
	out.TTL, err = seconds(z.TTL, zone.DefaultTTL)
	wrong.Unless(err == nil, "ttl: %w", err)
	out.NegativeTTL, err = seconds(z.NegativeTTL, zone.DefaultTTL)
	wrong.Unless(err == nil, "negative_ttl: %w", err)
	out.NS = parsed(z.NS, zone.ParseNameServer, &wrong)
	out.MX = parsed(z.MX, zone.ParseMX, &wrong)
	out.Addresses = slices.Concat(parsed(z.A, family("a", netip.Addr.Is4), &wrong), parsed(z.AAAA, family("aaaa", netip.Addr.Is6), &wrong))
	return out, wrong
}

// reasonText is a reason as it may stand in a file: a number or a symbol.
func reasonText(v any) string {
	if n, ok := v.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprint(v)
}

// parsed reads every text, and notes those that cannot be read. The result lacks
// them; it is used only where nothing was wrong.
func parsed[T any](texts []string, parse func(string) (T, error), wrong *listing.Mistakes) []T {
	var all []T
	for _, text := range texts {
		if v, err := parse(text); err == nil {
			all = append(all, v)
		} else {
			wrong.Add(err)
		}
	}
	return all
}

// family reads addresses of one family.
func family(key string, is func(netip.Addr) bool) func(string) (netip.Addr, error) {
	return func(text string) (netip.Addr, error) {
		a, err := netip.ParseAddr(text)
		if err != nil || !is(a) {
			return a, fmt.Errorf("%s: %s is not an address of this kind", key, listing.Quote(text))
		}
		return a, nil
	}
}
