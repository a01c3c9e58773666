package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/mta/mtatest"
)

func TestSensorConfig(t *testing.T) {
	c, err := parse(t, `
[our]
addresses = ["192.0.2.25", "198.51.100.0/28"]
names = ["mx.example.test"]
hosted = ["rcpt.example"]
trusted = ["203.0.113.0/28", "2001:db8::25"]
[sensor]
receiver = "mx1"
policy = ["127.0.0.1:10040", "inet:127.0.0.1:10041", "unix:/run/dnsbld/policy"]
resolver = "127.0.0.1:53"
enforce = true
[sensor.services]
postfix-in = "25"
[thresholds.helo-bare-ip]
sessions = 3
[thresholds.helo-our-ip]
also = [{ sessions = 4 }]
[[zone]]
name = "bl.test"
ns = ["ns.bl.test"]
reasons = ["helo-rotating", 3]
`)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Mail
	if fmt.Sprint(s.Policy) != "[127.0.0.1:10040 127.0.0.1:10041 unix:/run/dnsbld/policy]" || s.Receiver != "mx1" || !s.Enforce ||
		s.Resolver.String() != "127.0.0.1:53" || fmt.Sprint(s.Named) != "[7]" || fmt.Sprint(s.Services) != "map[postfix-in:25]" {
		t.Errorf("%+v", s)
	}
	if fmt.Sprint(s.Our) != "{[192.0.2.25] [mx.example.test] [rcpt.example] [198.51.100.0/28 203.0.113.0/28 2001:db8::25/128]}" {
		t.Errorf("our: %v", s.Our)
	}
	bare, our := s.Thresholds[listing.BareIP], s.Thresholds[listing.OurIP]
	if bare.Sessions != 3 || bare.Hours != 2 || our.Sessions != 2 || len(our.Also) != 1 || our.Also[0].Sessions != 4 {
		t.Errorf("thresholds: %+v %+v", bare, our)
	}
}

func TestSensorMistakes(t *testing.T) {
	_, err := parse(t, `
[our]
trusted = ["relay.example"]
[sensor]
policy = "nowhere"
resolver = "127.0.0.1"
receiver = "mx\n1"
policy_mode = "rw"
probation = "-3h"
receiver_listings_per_hour = 0
policy_group = "no such group"
[sensor.services]
mx = "26"
[thresholds.helo-bare-ip]
share = 3.0
`)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"our.trusted", "sensor.policy", "sensor.resolver", "sensor.receiver", "sensor.policy_mode", "sensor.policy_group", "sensor.probation", "sensor.receiver_listings_per_hour",
		"sensor.services.mx", "thresholds.helo-bare-ip: share"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %s: %v", want, err)
		}
	}
	if _, err := parse(t, "[thresholds.manual]\nsessions = 3\n"); err == nil || !strings.Contains(err.Error(), "manual") {
		t.Errorf("a threshold for what sessions are not counted for: %v", err)
	}
}

// Receivers are on probation for a day unless a configuration says otherwise, and
// not at all without one.
func TestProbation(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 24 * time.Hour, `probation = "0"`: 0, `probation = "0s"`: 0, `probation = "2d"`: 48 * time.Hour} {
		if c, err := parse(t, "[sensor]\n"+text+"\n"); err != nil || c.Mail.Probation != want {
			t.Errorf("%s: %s, %v", text, c.Mail.Probation, err)
		}
	}
	if c, err := Load("", nil); err != nil || c.Mail.Probation != 0 {
		t.Errorf("development defaults: %s, %v", c.Mail.Probation, err)
	}
	if _, err := parse(t, "[sensor]\nprobation = \"31d\"\n"); err == nil {
		t.Error("31 days are taken")
	}
}

func TestExampleShowsThresholds(t *testing.T) {
	example, err := parseFile("example.toml", []byte(Example))
	if err != nil {
		t.Fatal(err)
	}
	if d := defaultFile(); !reflect.DeepEqual(example.Thresholds, d.Thresholds) || !reflect.DeepEqual(example.Sensor, d.Sensor) {
		t.Errorf("the example differs from the defaults:\n%+v\n%+v", example.Thresholds, d.Thresholds)
	}
}

func TestCollectMistakes(t *testing.T) {
	authority := mtatest.NewAuthority(t)
	cert, key := authority.Issue("collector.example")
	file := func(listen, cert, key, ca, receivers string) string {
		return "[sensor]\nreceiver = \"mx1\"\npolicy = \"127.0.0.1:10040\"\n[sensor.collect]\nlisten = \"" + listen + "\"\ncertificate = \"" + cert +
			"\"\nkey = \"" + key + "\"\nclient_ca = \"" + ca + "\"\nreceivers = [" + receivers + "]\n"
	}
	if c, err := parse(t, file("127.0.0.1:10443", cert, key, authority.File, `"mx2"`)); err != nil || c.Mail.Collect.Listen != "127.0.0.1:10443" {
		t.Errorf("%+v, %v", c.Mail.Collect, err)
	}
	if c, err := parse(t, file("", "/nowhere", "", "", "")); err != nil || c.Mail.Collect.Listen != "" {
		t.Errorf("switched off: %+v, %v", c.Mail.Collect, err)
	}
	nothing := t.TempDir() + "/nothing"
	if err := os.WriteFile(nothing, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"sensor.collect.listen":   file("10443", cert, key, authority.File, `"mx2"`),
		"reading the certificate": file("127.0.0.1:10443", "/nowhere", key, authority.File, `"mx2"`),
		"reading the authorities": file("127.0.0.1:10443", cert, key, "/nowhere", `"mx2"`),
		"there is no certificate": file("127.0.0.1:10443", cert, key, nothing, `"mx2"`),
		"no receivers":            file("127.0.0.1:10443", cert, key, authority.File, ""),
		"printable":               file("127.0.0.1:10443", cert, key, authority.File, `"mx\t2"`),
		"its policy service":      file("127.0.0.1:10443", cert, key, authority.File, `"mx1"`),
	} {
		if _, err := parse(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %s: %v", want, err)
		}
	}
}
