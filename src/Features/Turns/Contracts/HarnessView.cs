namespace Hive.Features.Turns.Contracts;

/// <summary>The state of an agent's harness.</summary>
/// <param name="Connected">True when a harness is connected and has reported.</param>
/// <param name="State"><c>offline</c> while none is connected, else <c>idle</c>, <c>thinking</c>, <c>compacting</c>,
/// <c>needs_login</c>, <c>logging_in</c>, <c>rate_limited</c> or <c>not_ready</c>.</param>
/// <param name="SinceAt">When it entered that state.</param>
/// <param name="Driver">The driver that it runs for a turn.</param>
/// <param name="Model">The model it uses.</param>
/// <param name="ContextTokens">The tokens in the model's context.</param>
/// <param name="ContextLimit">The size of the model's context.</param>
/// <param name="Turn">The running turn.</param>
/// <param name="TurnStartedAt">When that turn began.</param>
/// <param name="RateLimitedUntil">When it continues.</param>
/// <param name="Login">The login that is in progress, or failed.</param>
/// <param name="Missing">With <c>not_ready</c>: what the driver lacks, and a fix.</param>
/// <param name="Cursor">The cursor of the agent's own stream; not in events.</param>
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

/// <summary>A login that is in progress, or failed.</summary>
/// <param name="Url">Where the operator gets a code; http or https.</param>
/// <param name="Output">The output of the tool's login.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record LoginView(string? Url = null, string? Output = null, string? Error = null);
