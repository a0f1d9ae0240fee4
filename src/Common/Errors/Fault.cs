namespace Hive.Common.Errors;

/// <summary>Something that does not work, and how to fix it.</summary>
/// <param name="Reason">What does not work, and why.</param>
/// <param name="Cure">What to do about it; null when nothing general helps.</param>
public sealed record Fault(string Reason, string? Cure = null)
{
    /// <summary>Both in one text, as errors show it.</summary>
    public override string ToString() => Cure is null ? Reason : $"{Reason}; {Cure}";
}
