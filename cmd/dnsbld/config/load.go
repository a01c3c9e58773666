package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"dnsbld/connlimit"
	"dnsbld/ctl/server"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/zone"
)

// Config is the configuration checked and ready for use: each room's settings in
// the room's own type, so that nothing is looked up in the file again. A value is
// never changed; a reload makes another.
type Config struct {
	Data, Socket string        // the directory; the control socket
	Database     string        // file of the list
	ClockOffset  time.Duration // of every clock
	Settle       time.Duration // nothing is ended for as long where the time is in doubt
	ReadOnly     string        // file to be served in place of the list, in which nothing is changed; empty: none
	Keep         time.Duration // of changes, in the log; 0: all
	JSON         bool          // log as JSON
	DNS          []netip.AddrPort
	Workers      int         // UDP sockets for each address
	XoT          string      // the address of transfers over TLS; empty: none
	XoTFiles     xotFile     // the certificate for them
	XoTTLS       *tls.Config // made of that
	Zone         zone.Config
	Mirror       string // the zone that is taken from a primary, and the list with it; empty: none
	Rules        listing.Rules
	OurNames     []string
	Hash         string // of what changes the contents of zones
	Mail         Mail
	Desk         desk.Settings
	Web          Web
	Control      connlimit.Limits // of the control socket
	WarnSources  time.Duration
	Notes        []string // for the log at the start
}

// Load reads a configuration file, lets flags override what it says, and checks
// the whole. No file is the development defaults. Its errors are of
// listing.ErrInvalid, and name every mistake of meaning.
func Load(path string, override func(*File)) (Config, error) {
	file, err := defaultFile(), error(nil)
	if file.development = path == ""; file.development {
		file.Sensor.Probation = "0"
	}
	if path != "" {
		if file, err = readFile(path); err != nil {
			return Config{}, err
		}
	}
	if override != nil {
		override(&file)
	}
	c, err := file.resolve()
	if path == "" {
		c.Notes = append([]string{"no configuration given: these are the development defaults"}, c.Notes...)
	}
	return c, err
}

// Error is a mistake in the configuration or on the command line: listing.ErrInvalid
// is what the program ends with EX_CONFIG for.
func Error(format string, args ...any) error {
	return &listing.Error{Kind: listing.ErrInvalid, Code: "configuration", Message: fmt.Sprintf(format, args...),
		Hint: "`dnsbld example` shows every key, `dnsbld serve --help` every flag"}
}

// resolve checks the meaning of a file and makes it a configuration. It goes on
// after a mistake, so that all are found in one run; only what is built from the
// catalogue of reasons has to wait for a good one.
func (f File) resolve() (Config, error) {
	var wrong listing.Mistakes
	c := Config{Data: f.Data, Socket: cmp.Or(f.Socket, filepath.Join(f.Data, "control.sock")), JSON: f.LogFormat == "json",
		ClockOffset: f.ClockOffset, OurNames: f.Our.names(), WarnSources: f.Sources.Warn.Duration()}
	wrong.Unless(c.WarnSources > 0 && c.WarnSources <= keptSources, "sources.warn = %s: more than nothing, and 30d at the most", f.Sources.Warn)
	wrong.Unless(f.Data != "", "data: no directory given")
	wrong.Unless(f.LogFormat == "text" || f.LogFormat == "json", "log_format = %s: text or json", listing.Quote(f.LogFormat))
	c.ReadOnly = f.ReadOnly
	c.Settle, c.Keep, c.Control = f.Store.settle(&wrong), f.Store.keep(&wrong), f.Limits.control(&wrong)
	c.Database, c.DNS, c.Workers = f.database(&wrong), f.listeners(&wrong), f.Listen.workers(&wrong)
	c.XoTFiles = f.XoT
	c.XoT, c.XoTTLS = f.xot(&wrong)
	c.Rules = f.rules(&wrong)
	c.Rules.Policy.Never, c.Notes = f.Our.protected(&wrong)
	f.Zones = f.zonesOrOne(&wrong)
	if c.Rules.Reasons != nil {
		c.Zone = f.zones(c.Rules.Reasons, &wrong)
		f.mirror(&c, &wrong)
		c.Mail = f.mail(c, &wrong)
		c.Desk = f.desk(c, &wrong)
		c.Web = f.web(c, &wrong)
	}
	if err := append(f.unknown, wrong...).Err(); err != nil {
		return Config{}, Error("%v", err)
	}
	c.Hash = c.Zone.Digest()
	return c, nil
}

// xot is where and how transfers are given over TLS.
func (f File) xot(wrong *listing.Mistakes) (address string, how *tls.Config) {
	private := slices.ContainsFunc(f.Zones, func(z zoneConfig) bool { return z.TLS })
	switch _, err := netip.ParseAddrPort(f.Listen.XoT); {
	case f.Listen.XoT == "" && private:
		wrong.Addf("transfer_tls: there is no listen.xot to ask at")
	case f.Listen.XoT == "":
	case err != nil:
		wrong.Addf("listen.xot = %s: write an address and a port, such as 192.0.2.53:853", listing.Quote(f.Listen.XoT))
	default:
		how, err = zone.TransferTLS(f.XoT.Certificate, f.XoT.Key)
		wrong.Unless(err == nil, "xot: %w", err)
	}
	return f.Listen.XoT, how
}

// testOnly reports whether a zone name is one that nobody on the Internet asks
// for (RFC 2606).
func testOnly(zone string) bool {
	name := strings.TrimSuffix(strings.ToLower(zone), ".")
	return strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".example")
}

// longestSettle is how long the sweep may be told to wait: what has ended is not
// answered, but secondaries go on with it until the sweep takes it out.
const longestSettle = 24 * time.Hour

// settle is how long nothing is ended where the time is in doubt.
func (f storeFile) settle(wrong *listing.Mistakes) time.Duration {
	d := f.Settle.Duration()
	wrong.Unless(d >= 0 && d <= longestSettle, "store.settle = %s: up to %s", f.Settle, longestSettle)
	return d
}

// leastKept is how long changes are kept at the least: for as long request ids are
// remembered, sources that ended are shown, and a command can be taken back.
const leastKept = 31 * listing.Day

// keep is how long changes are kept; 0: for ever.
func (f storeFile) keep(wrong *listing.Mistakes) time.Duration {
	d := f.Keep.Duration()
	wrong.Unless(d == 0 || d >= leastKept, "store.keep = %s: 31d at the least, or \"0\" to keep everything", f.Keep)
	return d
}

// keptSources is how long a source that ended is remembered, and can be warned of.
const keptSources = 30 * listing.Day

// zonesOrOne are the zones of the file; in development, where there is no file,
// one to try. A shifted clock would be a lie in a zone that others ask for.
func (f File) zonesOrOne(wrong *listing.Mistakes) []zoneConfig {
	switch {
	case len(f.Zones) == 0 && f.development:
		return []zoneConfig{developmentZone("bl.test")}
	case len(f.Zones) == 0:
		wrong.Addf("zone: there is none: write [[zone]] with name and ns")
	case f.ClockOffset != 0 && slices.ContainsFunc(f.Zones, func(z zoneConfig) bool { return !testOnly(z.Name) }):
		wrong.Addf("--clock-offset is for tests: every zone must end in .test or .example")
	}
	return f.Zones
}

// database is the file of the list. It is named by a URL, so that stores which
// several nodes share can be added: bbolt:PATH is one file of one node.
func (f File) database(wrong *listing.Mistakes) string {
	switch path, ok := strings.CutPrefix(f.StoreURL, "bbolt:"); {
	case f.StoreURL == "":
		return filepath.Join(f.Data, "listings.db")
	case ok && path != "":
		return path
	}
	wrong.Addf("--store %s: write bbolt:PATH", listing.Quote(f.StoreURL))
	return ""
}

// listeners are the addresses that DNS is answered on. Port 0, which tests use,
// is another port each time and may be there twice.
func (f File) listeners(wrong *listing.Mistakes) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range f.Listen.DNS {
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			wrong.Addf("listen.dns: %s: write an address and a port, such as 127.0.0.1:53 or [::1]:53", listing.Quote(text))
			continue
		}
		wrong.Unless(a.Port() == 0 || !slices.Contains(all, a), "listen.dns: %s is there twice", listing.Quote(text))
		all = append(all, a)
	}
	wrong.Unless(len(f.Listen.DNS) > 0, "listen.dns: no address given")
	return all
}

// rules are what the Book writes by: the policy, the catalogue of reasons with
// what the file changes of it, and who may.
func (f File) rules(wrong *listing.Mistakes) listing.Rules {
	p := f.Policy.Policy
	p.Canaries = subjects("policy.canaries", f.Policy.Canaries, wrong)
	if err := p.Validate(); err != nil {
		wrong.Addf("policy: %w", err)
	}
	infos := listing.DefaultReasons()
	for _, r := range f.Reasons {
		infos = r.merge(infos, wrong)
	}
	reasons, err := listing.NewReasons(infos)
	wrong.Add(err)
	wrong.Add(server.CheckRoles(f.Roles))
	return listing.Rules{Reasons: reasons, Policy: p, Roles: f.Roles}
}

// maxWorkers is more than any machine has use for.
const maxWorkers = 1024

// workers leaves a processor for all that is not answering. Those that a
// container may use count, not those of the machine.
func (l listenConfig) workers(wrong *listing.Mistakes) int {
	wrong.Unless(l.Workers >= 0 && l.Workers <= maxWorkers, "listen.workers = %d: from 1 to %d", l.Workers, maxWorkers)
	if l.Workers == 0 {
		return max(1, runtime.GOMAXPROCS(0)-1)
	}
	return l.Workers
}

// coalesce is how long answers may wait for each other.
func (l listenConfig) coalesce(wrong *listing.Mistakes) time.Duration {
	d, err := time.ParseDuration(l.Coalesce)
	wrong.Unless(err == nil, "listen.coalesce = %s: write it like \"250us\", or \"0s\" for not at all", listing.Quote(l.Coalesce))
	return d
}

// subjects reads the addresses and prefixes of a key. Mistakes name the key.
func subjects(key string, texts []string, wrong *listing.Mistakes) []listing.Subject {
	return parsed(texts, func(text string) (listing.Subject, error) {
		s, err := listing.ParseSubject(text)
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return s, err
	}, wrong)
}

// protected are our own addresses: given, or those of this host's interfaces.
func (o ourConfig) protected(wrong *listing.Mistakes) (never []listing.Protected, notes []string) {
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
