namespace Hive.Common.Doctor;

/// <summary>A part of the running host that knows when it cannot do its work, for <c>/health</c> and
/// <c>/ready</c>.</summary>
public interface ITrouble
{
    /// <summary>The troubles at this moment; none while all is well. Quick: it is asked by everybody who reaches the
    /// port.</summary>
    Task<IReadOnlyList<Trouble>> Find();
}

/// <summary>One thing that does not work.</summary>
/// <param name="Name">The part, such as <c>database</c>.</param>
/// <param name="Text">What is wrong and the way out, for a person.</param>
/// <param name="Brief">What is wrong for callers without a key: a fixed sentence, without paths and causes.</param>
/// <param name="TakesCommands">False when no command that changes something can be carried out.</param>
public sealed record Trouble(string Name, string Text, string Brief, bool TakesCommands);
