namespace Hive.Features.Forge;

/// <summary>A failure of the forge, or of work on it. Its message contains no secret.</summary>
/// <param name="message">The fault and the way out.</param>
/// <param name="scope">What else it affects.</param>
/// <param name="retryAfter">The pause that the forge asks for.</param>
/// <param name="inner">The cause.</param>
internal sealed class ForgeFault(string message, FaultScope scope, TimeSpan? retryAfter = null, Exception? inner = null)
    : Exception(message, inner)
{
    public FaultScope Scope => scope;

    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>The scope of a fault.</summary>
internal enum FaultScope
{
    /// <summary>One account or repository; work on others continues.</summary>
    One,

    /// <summary>Everything: any other request would fail too.</summary>
    Forge,

    /// <summary>The forge works and asks for a pause.</summary>
    Busy,

    /// <summary>The forge refuses the token of Hive's own account.</summary>
    CoreToken,
}
