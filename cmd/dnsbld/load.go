package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"dnsbld/ctl/server"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/zone"
)

// config is the configuration checked and ready for use: each room's settings in
// the room's own type, so that nothing is looked up in the file again. A value is
// never changed; a reload makes another.
type config struct {
	data, socket string        // the directory; the control socket
	database     string        // file of the list
	offset       time.Duration // of every clock
	settle       time.Duration // nothing is ended for as long where the time is in doubt
	json         bool          // log as JSON
	dns          []netip.AddrPort
	workers      int         // UDP sockets for each address
	xot          string      // the address of transfers over TLS; empty: none
	xotTLS       *tls.Config // for them
	zone         zone.Config
	rules        listing.Rules
	ourNames     []string
	hash         string // of what changes the contents of zones
	mail         mailConfig
	desk         desk.Settings
	web          webConfig
	warnSources  time.Duration
	notes        []string // for the log at the start
}

// loadConfig reads and checks a configuration file; no file is the
// development defaults.
func loadConfig(path string) (config, error) {
	return loadWith(path, func(*fileConfig) error { return nil })
}

// loadWith lets flags override what the file says.
func loadWith(path string, override func(*fileConfig) error) (config, error) {
	file, err := defaultFile(), error(nil)
	if file.development = path == ""; file.development {
		file.Sensor.Probation = "0"
	}
	if path != "" {
		if file, err = readFile(path); err != nil {
			return config{}, err
		}
	}
	if err := override(&file); err != nil {
		return config{}, err
	}
	c, err := file.resolve()
	if path == "" {
		c.notes = append([]string{"no configuration given: these are the development defaults"}, c.notes...)
	}
	return c, err
}

// mistakes collects what is wrong, so that all of it is said at once.
type mistakes []error

// add notes a mistake, if it is one.
func (m *mistakes) add(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

func (m *mistakes) addf(format string, args ...any) { m.add(fmt.Errorf(format, args...)) }

// resolve checks the meaning of a file and makes it a configuration. It goes on
// after a mistake, so that all are found in one run; only what is built from the
// catalogue of reasons has to wait for a good one.
func (f fileConfig) resolve() (config, error) {
	var wrong mistakes
	c := config{data: f.Data, socket: cmp.Or(f.Socket, filepath.Join(f.Data, "control.sock")), json: f.LogFormat == "json",
		offset: f.clockOffset, ourNames: f.Our.names(), warnSources: f.Sources.Warn.Duration()}
	if c.warnSources <= 0 || c.warnSources > keptSources {
		wrong.addf("sources.warn = %s: more than nothing, and 30d at the most", f.Sources.Warn)
	}
	if f.Data == "" {
		wrong.addf("data: no directory given")
	}
	if f.LogFormat != "text" && f.LogFormat != "json" {
		wrong.addf("log_format = %s: text or json", listing.Quote(f.LogFormat))
	}
	c.settle = f.Store.settle(&wrong)
	c.database, c.dns, c.workers = f.database(&wrong), f.listeners(&wrong), f.Listen.workers(&wrong)
	c.xot, c.xotTLS = f.xot(&wrong)
	c.rules = f.rules(&wrong)
	c.rules.Policy.Never, c.notes = f.Our.protected(&wrong)
	f.Zones = f.zonesOrOne(&wrong)
	if c.rules.Reasons != nil {
		c.zone = f.zones(c.rules.Reasons, &wrong)
		c.mail = f.mail(c, &wrong)
		c.desk = f.desk(c, &wrong)
		c.web = f.web(c, &wrong)
	}
	if wrong = append(f.unknown, wrong...); len(wrong) > 0 {
		return config{}, configError("%v", errors.Join(wrong...))
	}
	c.hash = c.zone.Digest()
	return c, nil
}

// xot is where and how transfers are given over TLS.
func (f fileConfig) xot(wrong *mistakes) (address string, how *tls.Config) {
	private := slices.ContainsFunc(f.Zones, func(z zoneConfig) bool { return z.TLS })
	switch _, err := netip.ParseAddrPort(f.Listen.XoT); {
	case f.Listen.XoT == "" && private:
		wrong.addf("transfer_tls: there is no listen.xot to ask at")
	case f.Listen.XoT == "":
	case err != nil:
		wrong.addf("listen.xot = %s: write an address and a port, such as 192.0.2.53:853", listing.Quote(f.Listen.XoT))
	default:
		if how, err = zone.TransferTLS(f.XoT.Certificate, f.XoT.Key); err != nil {
			wrong.addf("xot: %w", err)
		}
	}
	return f.Listen.XoT, how
}

// keptSources is how long a source that ended is remembered, and can be warned of.
const keptSources = 30 * listing.Day

// zonesOrOne are the zones of the file; in development, where there is no file,
// one to try. A shifted clock would be a lie in a zone that others ask for.
func (f fileConfig) zonesOrOne(wrong *mistakes) []zoneConfig {
	switch {
	case len(f.Zones) == 0 && f.development:
		return []zoneConfig{developmentZone("bl.test")}
	case len(f.Zones) == 0:
		wrong.addf("zone: there is none: write [[zone]] with name and ns")
	case f.clockOffset != 0 && slices.ContainsFunc(f.Zones, func(z zoneConfig) bool { return !testOnly(z.Name) }):
		wrong.addf("--clock-offset is for tests: every zone must end in .test or .example")
	}
	return f.Zones
}

// database is the file of the list. It is named by a URL, so that stores which
// several nodes share can be added: bbolt:PATH is one file of one node.
func (f fileConfig) database(wrong *mistakes) string {
	switch path, ok := strings.CutPrefix(f.store, "bbolt:"); {
	case f.store == "":
		return filepath.Join(f.Data, "listings.db")
	case ok && path != "":
		return path
	}
	wrong.addf("--store %s: write bbolt:PATH", listing.Quote(f.store))
	return ""
}

// listeners are the addresses that DNS is answered on. Port 0, which tests use,
// is another port each time and may be there twice.
func (f fileConfig) listeners(wrong *mistakes) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range f.Listen.DNS {
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			wrong.addf("listen.dns: %s: write an address and a port, such as 127.0.0.1:53 or [::1]:53", listing.Quote(text))
			continue
		}
		if a.Port() != 0 && slices.Contains(all, a) {
			wrong.addf("listen.dns: %s is there twice", listing.Quote(text))
		}
		all = append(all, a)
	}
	if len(f.Listen.DNS) == 0 {
		wrong.addf("listen.dns: no address given")
	}
	return all
}

// rules are what the Book writes by: the policy, the catalogue of reasons with
// what the file changes of it, and who may.
func (f fileConfig) rules(wrong *mistakes) listing.Rules {
	p := f.Policy.Policy
	p.Canaries = subjects("policy.canaries", f.Policy.Canaries, wrong)
	if err := p.Validate(); err != nil {
		wrong.addf("policy: %w", err)
	}
	infos := listing.DefaultReasons()
	for _, r := range f.Reasons {
		infos = r.merge(infos, wrong)
	}
	reasons, err := listing.NewReasons(infos)
	wrong.add(err)
	for _, err := range server.CheckRoles(f.Roles) {
		wrong.add(err)
	}
	return listing.Rules{Reasons: reasons, Policy: p, Roles: f.Roles}
}

// maxWorkers is more than any machine has use for.
const maxWorkers = 1024

// workers leaves a processor for all that is not answering. Those that a
// container may use count, not those of the machine.
func (l listenConfig) workers(wrong *mistakes) int {
	if l.Workers < 0 || l.Workers > maxWorkers {
		wrong.addf("listen.workers = %d: from 1 to %d", l.Workers, maxWorkers)
	}
	if l.Workers == 0 {
		return max(1, runtime.GOMAXPROCS(0)-1)
	}
	return l.Workers
}

// coalesce is how long answers may wait for each other.
func (l listenConfig) coalesce(wrong *mistakes) time.Duration {
	d, err := time.ParseDuration(l.Coalesce)
	if err != nil {
		wrong.addf("listen.coalesce = %s: write it like \"250us\", or \"0s\" for not at all", listing.Quote(l.Coalesce))
	}
	return d
}

// firstOwn is the first number that operators may give to a reason of theirs.
const firstOwn = 100

// merge lays what the file says of a reason over the catalogue. Numbers under
// firstOwn mean the same in every list, so their symbol and kind stay.
func (r reasonFile) merge(infos []listing.ReasonInfo, wrong *mistakes) []listing.ReasonInfo {
	n := slices.IndexFunc(infos, func(i listing.ReasonInfo) bool { return int(i.Code) == r.Code })
	switch {
	case r.Code < 2 || r.Code > 254:
		wrong.addf("reason: code = %d: a number is from 2 to 254", r.Code)
		return infos
	case n < 0 && r.Code < firstOwn:
		wrong.addf("reason %d: numbers under %d are this program's; yours begin there", r.Code, firstOwn)
		return infos
	case n < 0:
		n = len(infos)
		infos = append(infos, listing.ReasonInfo{Code: listing.Reason(r.Code), Published: true, Longest: listing.Life(30 * listing.Day),
			Repeat: 1, SelfDelist: listing.SelfNo, Rank: firstOwn, Basis: listing.BasisOther})
	case r.Code < firstOwn:
		r.checkBuiltIn(infos[n].Symbol, wrong)
	}
	r.layOver(&infos[n])
	return infos
}

// checkBuiltIn refuses to change what other programs know a number by.
func (r reasonFile) checkBuiltIn(symbol string, wrong *mistakes) {
	if r.Symbol != nil && *r.Symbol != symbol {
		wrong.addf("reason %d is %s: its symbol cannot be changed", r.Code, symbol)
	}
	if r.Kind != nil {
		wrong.addf("reason %d is %s: its kind cannot be changed", r.Code, symbol)
	}
}

// layOver changes what the file has a key for.
func (r reasonFile) layOver(info *listing.ReasonInfo) {
	set(&info.Symbol, r.Symbol)
	set(&info.Text, r.Text)
	set(&info.Explanation, r.Explain)
	set(&info.Published, r.Published)
	set(&info.Base, r.Base)
	set(&info.Longest, r.Longest)
	set(&info.Repeat, r.Repeat)
	set(&info.Rank, r.Rank)
	set(&info.SelfDelist, r.SelfDelist)
	if r.Kind != nil {
		info.Basis = *r.Kind
		info.Needs = info.Basis.Needs()
	}
}

// set overwrites what was given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// subjects reads the addresses and prefixes of a key. Mistakes name the key.
func subjects(key string, texts []string, wrong *mistakes) []listing.Subject {
	return parsed(texts, func(text string) (listing.Subject, error) {
		s, err := listing.ParseSubject(text)
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return s, err
	}, wrong)
}

// protected are our own addresses: given, or those of this host's interfaces.
func (o ourConfig) protected(wrong *mistakes) (never []listing.Protected, notes []string) {
	texts, why := o.Addresses, "is one of our own servers"
	if texts == nil {
		var err error
		if texts, err = interfaceAddresses(); err != nil {
			return nil, []string{"our.addresses is not given, and this host's interfaces cannot be listed: " + err.Error()}
		}
		why = "is an address of this host"
	}
	for _, s := range subjects("our.addresses", texts, wrong) {
		never = append(never, listing.Protected{Subject: s, Why: why})
	}
	return never, notes
}

// interfaceAddresses are this host's global addresses. Private ones count among
// them: mail that comes from there is ours all the same.
func interfaceAddresses() ([]string, error) {
	addresses, err := net.InterfaceAddrs()
	var texts []string
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			texts = append(texts, p.Addr().WithZone("").String())
		}
	}
	return texts, err
}

// names are our own host names: given, or this host's.
func (o ourConfig) names() []string {
	if o.Names != nil {
		return o.Names
	}
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		return []string{name}
	}
	return nil
}
