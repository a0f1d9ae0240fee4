namespace Hive.Common.Errors;

/// <summary>Something that does not work, and how to fix it.</summary>
/// <param name="Reason">What does not work, and why.</param>
/// <param name="Fix">What to do about it; null when nothing general helps.</param>
public sealed record Fault(string Reason, string? Fix = null)
{
    /// <summary>Both in one text, as errors show it.</summary>
    public override string ToString() => Fix is null ? Reason : $"{Reason}; {Fix}";
}
