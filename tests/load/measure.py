"""What race and soak share: processes, their CPU and memory, SIPp, and latency from a capture."""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCENARIOS = os.path.join(ROOT, "tests", "sipp")
SIP_PORT, CALLEE_PORT, CALLER_PORT, CHANNEL_PORT = 5060, 5070, 5080, 8448
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---- needs

PACKAGES = {"sipp": "sip-tester", "node": "nodejs", "kamailio": "kamailio", "tcpdump": "tcpdump"}


def require(*programs):
    """Stops with the command that installs what is missing."""
    missing = [PACKAGES.get(p, p) for p in programs if not shutil.which(p)]
    if missing:
        sys.exit(f"missing: {' '.join(missing)}\n  sudo apt-get install {' '.join(missing)}")


def require_websocket():
    """The package with which router.js speaks WebSocket."""
    folder = os.path.join(ROOT, "examples", "node")
    if not os.path.isdir(os.path.join(folder, "node_modules", "ws")):
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)


def require_free_ports(*more):
    usual = ("udp", SIP_PORT), ("udp", CALLEE_PORT), ("udp", CALLER_PORT), ("tcp", CHANNEL_PORT)
    for kind, port in (*usual, *more):
        if bound(kind, port):
            sys.exit(f"{kind} port {port} is taken: stop what listens there (ss -lp{kind[0]}n)")


def build_tidegate():
    """Builds the release binary and says where it is."""
    say("building tidegate --release")
    command = ["cargo", "build", "--release", "--locked", "-p", "tidegate", "--message-format", "short"]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit("tidegate does not build")
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "tidegate")


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---- processes

def start(command, cwd=None, log=None):
    out = dict(QUIET)
    if log:
        out["stdout"] = out["stderr"] = open(log, "wb")
    return subprocess.Popen(command, cwd=cwd or ROOT, start_new_session=True, **out)


def stop(process, how=signal.SIGTERM, patience=10):
    """Ends a process and waits for it; kills it when it does not end."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def bound(kind, port):
    """Whether a socket of this machine has the port: bound for udp, listening for tcp."""
    wanted = {"udp": "07", "tcp": "0A"}[kind]
    return any(local == port and state == wanted for local, _, state in sockets(kind))


def connected(port):
    """Whether somebody is connected to the TCP port."""
    return any(remote == port and state == "01" for _, remote, state in sockets("tcp"))


def sockets(kind):
    for path in (f"/proc/net/{kind}", f"/proc/net/{kind}6"):
        with open(path) as table:
            for line in table.read().splitlines()[1:]:
                _, local, remote, state = line.split()[:4]
                yield int(local.rsplit(":", 1)[1], 16), int(remote.rsplit(":", 1)[1], 16), state


def wait_until(what, condition, process=None, patience=15):
    end = time.monotonic() + patience
    while not condition():
        if process is not None and process.poll() is not None:
            sys.exit(f"{what}: the process ended with code {process.returncode}")
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {patience} s")
        time.sleep(0.02)


def family(pid):
    """A process and all its descendants."""
    pids, todo = [], [pid]
    while todo:
        pid = todo.pop()
        pids.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    todo.extend(int(c) for c in children.read().split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return pids


def cpu_seconds(pid):
    """What the scheduler accounted to the threads of a process tree, to the nanosecond."""
    total = 0
    for pid in family(pid):
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
                    total += int(stat.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1e9


def memory_kib(pid):
    """Proportional set size of a process tree: shared pages count once."""
    total = 0
    for pid in family(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


# ---- SIPp

def callee(scenario, work):
    command = ["sipp", "-sf", f"{SCENARIOS}/{scenario}", "-i", "127.0.0.1", "-p", str(CALLEE_PORT), "-nostdin", "-aa"]
    process = start(command, work)
    wait_until("the callee", lambda: bound("udp", CALLEE_PORT), process)
    return process


def caller(scenario, work, rate, calls, extra=()):
    command = ["sipp", "-sf", f"{SCENARIOS}/{scenario}", f"127.0.0.1:{SIP_PORT}", "-s", "bob",
               "-i", "127.0.0.1", "-p", str(CALLER_PORT), "-r", str(rate), "-m", str(calls),
               "-l", "50000", "-nostdin", "-recv_timeout", "10000",
               "-default_behaviors", "all,-abortunexp",
               "-trace_stat", "-stf", f"{work}/caller.csv", "-fd", "1", *extra]
    return start(command, work)


def caller_result(work):
    """Calls that succeeded, calls that failed, retransmissions."""
    with open(f"{work}/caller.csv") as table:
        rows = [line.split(";") for line in table.read().splitlines()]
    last = dict(zip(rows[0], rows[-1]))
    return tuple(int(last[k]) for k in ("SuccessfulCall(C)", "FailedCall(C)", "Retransmissions(C)"))


# ---- capture

def capture(path):
    """Records SIP on the loopback interface; None where that isn't permitted."""
    if os.geteuid() != 0:
        return None
    process = start(["tcpdump", "-i", "lo", "-s", "800", "-B", "65536", "-U", "-w", path,
                     "udp", "and", "portrange", f"{SIP_PORT}-{CALLEE_PORT}"])
    wait_until("tcpdump", lambda: os.path.exists(path) and os.path.getsize(path) >= 24, process)
    return process


def added_latencies(path):
    """Microseconds from each INVITE's arrival at the proxy to its leaving towards the callee, sorted."""
    with open(path, "rb") as file:
        data = file.read()
    ticks = 1e9 if struct.unpack("<I", data[:4])[0] == 0xA1B23C4D else 1e6
    arrived, added, at = {}, [], 24
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack("<IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        udp = 14 + (frame[14] & 15) * 4
        source, destination = struct.unpack(">HH", frame[udp:udp + 4])
        payload = frame[udp + 8:]
        if not payload.startswith(b"INVITE "):
            continue
        call = re.search(rb"\r\nCall-ID: *([^\r]+)", payload)
        now = seconds + fraction / ticks
        if call and destination == SIP_PORT:
            arrived.setdefault(call.group(1), now)
        elif call and source == SIP_PORT and call.group(1) in arrived:
            added.append((now - arrived.pop(call.group(1))) * 1e6)
    return sorted(added)


def quantile(values, q):
    return values[min(len(values) - 1, int(len(values) * q))]
