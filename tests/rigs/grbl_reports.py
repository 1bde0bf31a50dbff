"""What the fake controller says of itself when it is asked: `<Idle|MPos:…>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from grbl_machine import AXES

if TYPE_CHECKING:
    from grbl_controller import Controller

EMPTIED = 0.03
"""So long before its end the last block has left the planner."""
PREPARED = 0.1
"""So long before its end a block that others follow has: grblHAL's ten segments of a hundredth."""


def printed(value: float) -> str:
    """Three decimals as the firmware prints them: a half is added in float32, the rest cut."""
    whole = np.float32(abs(value)) + np.float32(0.0005)
    cut = int((whole - np.float32(int(whole))) * np.float32(1000))
    return f"{'-' if value < 0 else ''}{int(whole)}.{cut:03d}"


def status(controller: Controller) -> str:
    """One report; which of its optional fields it has depends on those before it."""
    controller.count += 1
    busy = controller.moving or controller.state == "Hold"
    state = controller.state
    if state == "Hold":
        state = "Hold:1" if controller.velocity > 0 else "Hold:0"
    speed, planned = 0.0, len(controller.queue)
    if controller.queue:
        speed = controller.queue[0].speed * 60
        ahead = 0.0
        for block in controller.queue:  # what is prepared as steps has left the planner
            pace = controller.velocity if block is controller.queue[0] else block.speed
            ahead += (block.length - block.done) / max(pace, 1e-3)
            last = block is controller.queue[-1]
            if controller.velocity > 0 and ahead < (EMPTIED if last else PREPARED):
                planned -= 1
        if planned == 0:
            speed = 0.0
    wanted = int(controller.setting(10))
    parts = [
        state,
        f"{'MW'[not wanted & 1]}Pos:" + ",".join(printed(p) for p in controller.position()),
        f"Bf:{controller.blocks - planned},{controller.room}",
        f"FS:{int(speed)},0",
    ]
    if not wanted & 2:
        del parts[2]
    if controller.pins_from_switches:
        physical = (controller.steps + controller.offset) / controller.rates(100)
        pins = "".join(
            AXES[i] for i in range(controller.axes) if physical[i] < controller.switches[i]
        )
        parts += [f"Pn:{pins}"] if pins else []
    if not busy:
        controller.next_ov = min(controller.next_ov, controller.count + 10)
        controller.next_wco = min(controller.next_wco, controller.count + 10)
    if controller.count >= controller.next_ov:
        controller.next_ov = controller.count + (20 if busy else 10)
        parts.append(f"Ov:{controller.overrides},100,100")
        parts += ["A:"] if controller.fresh else []
    elif controller.count >= controller.next_wco:
        controller.next_wco = controller.count + (30 if busy else 10)
        parts.append("WCO:" + ",".join(["0.000"] * controller.axes))
    if controller.show_homed:
        controller.show_homed = False
        everything = (1 << controller.axes) - 1
        parts.append(f"H:{int(controller.homed == everything)},{controller.homed}")
    if controller.fresh == "TLR":
        parts.append("TLR:0")
    controller.fresh = ""
    return "<" + "|".join(parts) + ">"
