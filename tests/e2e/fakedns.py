"""A small DNS server for what real ones will not do: name servers of two.test that disagree, and a resolver that names them. It
resolves two.test and auth.example.org, and nothing else."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from world import RIPOSTE_ADDR, ZONE

RESOLVER = "127.0.0.77"
NAME_SERVERS = ["127.0.0.78", "127.0.0.79"]
HOSTS = {"ns1.two.test.": NAME_SERVERS[0], "ns2.two.test.": NAME_SERVERS[1], "ns1.%s." % ZONE: RIPOSTE_ADDR}
SOA = "ns1 hostmaster 1 7200 3600 1209600 300"


class FakeDns:
    resolver = RESOLVER

    def __init__(self):
        self.records = {address: {} for address in NAME_SERVERS}  # {(owner, type): text}, or the name of an RCODE
        self.own_zone = None  # a name server that pretends to have auth.example.org, without values
        self.delegated = None  # a name of two.test that is a zone of its own, at auth.example.org's server
        self.seen, self.sockets = {}, {}

    def __enter__(self):
        for address in [RESOLVER, *NAME_SERVERS]:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((address, 53))
            s.settimeout(0.2)
            self.sockets[address] = s
        self.stopping = False
        self.threads = [threading.Thread(target=self.serve, args=(a,)) for a in self.sockets]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        for s in self.sockets.values():
            s.close()

    def asked(self, address):
        return self.seen.get(address, 0) > 0

    def forget(self):
        self.seen.clear()

    def serve(self, address):
        while not self.stopping:
            try:
                packet, peer = self.sockets[address].recvfrom(4096)
            except socket.timeout:
                continue
            query = dns.message.from_wire(packet)
            reply = self.resolve(query) if address == RESOLVER else self.answer(query, address)
            self.seen[address] = self.seen.get(address, 0) + 1
            self.sockets[address].sendto(reply.to_wire(), peer)

    @staticmethod
    def put(section, owner, kind, *texts):
        section.append(dns.rrset.from_text(owner, 3600, "IN", kind, *texts))

    def resolve(self, query):
        """What a resolver knows that has not heard of any challenge."""
        reply = dns.message.make_response(query, recursion_available=True)
        name, kind = query.question[0].name.to_text().lower(), dns.rdatatype.to_text(query.question[0].rdtype)
        zones = {"two.test.": ["ns1.two.test.", "ns2.two.test."], ZONE + ".": ["ns1.%s." % ZONE]}
        if self.own_zone is not None:
            zones[ZONE + "."].append(next(h for h, a in HOSTS.items() if a == self.own_zone))
        if self.delegated is not None:
            zones = {self.delegated: ["ns1.%s." % ZONE], **zones}
        apex = next((z for z in zones if name == z or name.endswith("." + z)), None)
        if apex is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            self.put(reply.authority, ".", "SOA", "a. b. 1 1 1 1 1")
        elif name == apex and kind == "NS":
            self.put(reply.answer, name, "NS", *zones[apex])
        elif name in HOSTS and kind == "A":
            self.put(reply.answer, name, "A", HOSTS[name])
        elif name == apex and kind == "SOA":
            self.put(reply.answer, apex, "SOA", "ns1.%s hostmaster.%s 1 7200 3600 1209600 300" % (apex, apex))
        else:
            self.put(reply.authority, apex, "SOA", "ns1.%s hostmaster.%s 1 7200 3600 1209600 300" % (apex, apex))
        return reply

    def answer(self, query, address):
        reply = dns.message.make_response(query)
        records = self.records[address]
        name, kind = query.question[0].name.to_text().lower(), dns.rdatatype.to_text(query.question[0].rdtype)
        if isinstance(records, str):
            reply.set_rcode(dns.rcode.from_text(records))
            return reply
        if name == self.delegated:
            self.put(reply.authority, name, "NS", "ns1.%s." % ZONE)
            return reply
        reply.flags |= dns.flags.AA
        if (name, kind) in records:
            self.put(reply.answer, name, kind, records[name, kind])
        elif not any(owner == name for owner, _ in records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
