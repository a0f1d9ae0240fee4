namespace Hive.Features.Agents.Contracts;

/// <summary>The names on the bus besides those of ordinary agents.</summary>
internal static class Principals
{
    /// <summary>The agent that may start, stop and rebuild others.</summary>
    public const string Manager = "manager";

    /// <summary>The person or group that owns this Hive.</summary>
    public const string Operator = "operator";

    /// <summary>Sender of Hive's own messages to agents.</summary>
    public const string System = "system";

    /// <summary>Sender of delivered reminders.</summary>
    public const string Reminder = "reminder";

    /// <summary>Recipient that means every other agent.</summary>
    public const string Everyone = "*";
}
