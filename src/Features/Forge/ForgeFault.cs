namespace Hive.Features.Forge;

/// <summary>Why something with the forge did not work. Its message holds no secret.</summary>
/// <param name="message">What was wrong, and the way out.</param>
/// <param name="scope">How far it reaches.</param>
/// <param name="retryAfter">How long the forge asks to be left alone.</param>
/// <param name="inner">What caused it.</param>
internal sealed class ForgeFault(string message, FaultScope scope, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(message, inner)
{
    public FaultScope Scope => scope;

    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>How far a fault reaches.</summary>
internal enum FaultScope
{
    /// <summary>This one account or repository; the others go on.</summary>
    One,

    /// <summary>Whatever is asked now would fail alike.</summary>
    Forge,

    /// <summary>The forge is well and wants to be left alone for a while.</summary>
    Busy,

    /// <summary>The forge does not know Hive's own token any more.</summary>
    CoreToken,
}
