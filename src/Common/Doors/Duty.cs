namespace Hive.Common.Doors;

/// <summary>The parts that an agent can have in the work on tickets; each adds tools to its socket.</summary>
[Flags]
public enum Duty
{
    /// <summary>It takes no tasks.</summary>
    None = 0,

    /// <summary>It works on tasks.</summary>
    Worker = 1,

    /// <summary>It reviews the work of others.</summary>
    Validator = 2,

    /// <summary>It plans tickets and tasks. Only the manager has this duty, and no other one.</summary>
    Manager = 4,
}

/// <summary>Tells the duty of a caller. The doors ask again for each command that needs a duty, so that a change counts
/// on open connections too.</summary>
public interface ICallerDuties
{
    /// <summary>The duty of an agent or the manager; none for the operator.</summary>
    Duty Of(Caller caller);
}

/// <summary>Names duties.</summary>
public static class DutyWords
{
    /// <summary>The duties in words, such as <c>worker or validator</c>; empty for none.</summary>
    public static string Words(this Duty duties) =>
        string.Join(
            " or ",
            Enum.GetValues<Duty>()
                .Where(d => d != Duty.None && duties.HasFlag(d))
                .Select(d => d.ToString().ToLowerInvariant())
        );
}
