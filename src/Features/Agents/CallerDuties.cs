using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Agents;

/// <summary>Reads a caller's duty from the roster.</summary>
internal sealed class CallerDuties(IRoster roster) : ICallerDuties
{
    public Duty Of(Caller caller) =>
        caller.Kind switch
        {
            CallerKind.Manager => Duty.Manager,
            CallerKind.Agent => roster.Find(caller.Name)?.Duty ?? Duty.None,
            _ => Duty.None,
        };
}
