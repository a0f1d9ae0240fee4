using System.Net;
using System.Text.Json;

namespace Hive.Features.Forge;

/// <summary>What the forge answered.</summary>
/// <param name="Status">The status.</param>
/// <param name="Body">The JSON of it.</param>
/// <param name="Said">Its own words, cleaned.</param>
internal sealed record ForgeAnswer(HttpStatusCode Status, JsonElement? Body, string Said)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>How the API says that something is there already, or may not be called so.</summary>
    public bool IsTaken => Status is HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity;

    public string? Text(string member) =>
        Body is { ValueKind: JsonValueKind.Object } body
        && body.TryGetProperty(member, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    public bool Is(string member) =>
        Body is { ValueKind: JsonValueKind.Object } body
        && body.TryGetProperty(member, out var value)
        && value.ValueKind == JsonValueKind.True;

    /// <summary>The accounts that it lists.</summary>
    /// <exception cref="ForgeFault">It lists none.</exception>
    public IReadOnlyList<ListedAccount> Accounts(string doing) =>
        IsSuccess && Body is { ValueKind: JsonValueKind.Array } listed
            ?
            [
                .. listed
                    .EnumerateArray()
                    .Select(a => new ForgeAnswer(Status, a, ""))
                    .Select(a => new ListedAccount(a.Text("login") ?? "", a.Is("is_admin"))),
            ]
            : throw Refusal(doing);

    /// <summary>It knows what was asked for by another name.</summary>
    private bool IsRenamed => (int)Status is >= 300 and < 400;

    public string InShort => $"{(int)Status}{(Said.Length > 0 ? $", {Said}" : "")}";

    /// <summary>This answer as the reason why something did not work.</summary>
    public ForgeFault Refusal(string doing) =>
        new(
            $"the forge could not {doing}: {InShort}{(IsRenamed ? ", as for what was renamed: give that its name back, or remove it" : "")}",
            FaultScope.One
        );
}

/// <summary>An account in a list of the forge's.</summary>
internal sealed record ListedAccount(string Name, bool IsAdmin)
{
    public bool IsCalled(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}
