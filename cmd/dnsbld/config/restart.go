package config

import "slices"

// NeedsRestart are the keys that differ from what the daemon began with and that
// a reload does not put in force.
func (now Config) NeedsRestart(begun Config) (keys []string) {
	for key, same := range map[string]bool{
		"data": begun.Data == now.Data, "store.settle": begun.Settle == now.Settle, "socket": begun.Socket == now.Socket, "log_format": begun.JSON == now.JSON,
		"listen.dns": slices.Equal(begun.DNS, now.DNS), "listen.workers": begun.Workers == now.Workers,
		"listen.xot": begun.XoT == now.XoT, "xot": begun.XoTFiles == now.XoTFiles,
		"listen.web": begun.Web.Pages == now.Web.Pages, "listen.metrics": begun.Web.Metrics == now.Web.Metrics,
		"web.certificate": begun.Web.Site.TLS == now.Web.Site.TLS,
		"sensor.receiver": begun.Mail.Receiver == now.Mail.Receiver, "sensor.policy": slices.Equal(begun.Mail.Policy, now.Mail.Policy),
		"sensor.policy_mode": begun.Mail.Socket.Mode == now.Mail.Socket.Mode, "sensor.policy_group": begun.Mail.Socket.Group == now.Mail.Socket.Group,
		"sensor.collect.listen": begun.Mail.Collect.Listen == now.Mail.Collect.Listen,
	} {
		if !same {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
