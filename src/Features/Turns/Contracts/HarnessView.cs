namespace Hive.Features.Turns.Contracts;

/// <summary>What an agent's harness does at this moment.</summary>
/// <param name="Connected">There is a harness, and it has said what it does.</param>
/// <param name="State"><c>offline</c> while none is connected, else <c>idle</c>, <c>thinking</c>, <c>compacting</c>,
/// <c>needs_login</c>, <c>logging_in</c>, <c>rate_limited</c> or <c>not_ready</c>.</param>
/// <param name="SinceAt">Since when.</param>
/// <param name="Driver">What it runs for a turn.</param>
/// <param name="Model">The model it uses.</param>
/// <param name="ContextTokens">What stands in the model's context.</param>
/// <param name="ContextLimit">What fits into it.</param>
/// <param name="Turn">The turn that runs.</param>
/// <param name="TurnStartedAt">When that began.</param>
/// <param name="RateLimitedUntil">When it goes on.</param>
/// <param name="Login">The login that is under way, or went wrong.</param>
/// <param name="Missing">With <c>not_ready</c>: what the driver lacks, and the way out.</param>
/// <param name="Cursor">Where the agent's own stream goes on; not in events.</param>
internal sealed record HarnessView(
    bool Connected,
    string State,
    DateTimeOffset SinceAt,
    string? Driver = null,
    string? Model = null,
    long? ContextTokens = null,
    long? ContextLimit = null,
    long? Turn = null,
    DateTimeOffset? TurnStartedAt = null,
    DateTimeOffset? RateLimitedUntil = null,
    LoginView? Login = null,
    string? Missing = null,
    string? Cursor = null
);

/// <summary>A login that is under way, or went wrong.</summary>
/// <param name="Url">Where the operator gets a code; http or https.</param>
/// <param name="Output">What the tool's login has printed.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record LoginView(string? Url = null, string? Output = null, string? Error = null);
