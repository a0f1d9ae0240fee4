using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;

namespace Hive.Tests.Approvals;

/// <summary>Tests the operator's own proposals of a configuration.</summary>
public sealed class ProposeConfigTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_proposal_of_the_operator_is_reviewed_and_deployed_like_any_other()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var (http, host, coder) = (hive.Http(), await hive.Operator(), Proposing.Of(hive, "coder"));
        var (before, config, cursor) = (coder.Main(), coder.Git("rev-parse", "HEAD"), await hive.Cursor());
        Assert.False((await Config(http)).TryGetProperty("proposed", out _));

        var told = await Propose(http, "model: wörtlich\nlimits: { memory: 1 GB }\n", "less memory");
        var id = told.GetProperty("approval_id").GetInt64();
        var asked = Assert.Single((await host.CallAsync("pending", null, Token)).Approvals());
        Assert.Equal(
            (id, "coder", "apply_commit", told.GetProperty("sha").GetString(), "operator", "less memory"),
            (asked.Id, asked.Agent, asked.Kind, asked.FetchedSha, asked.Requester, asked.Description)
        );
        Assert.Equal(
            "operator|less memory|" + before,
            coder.InApplied("log", "-1", "--format=%an|%s|%P", asked.FetchedSha!)
        );
        // The manager's repository is the manager's own.
        Assert.Equal((before, config), (coder.Main(), coder.Git("rev-parse", "HEAD")));
        var diff = await http.GetFromJsonAsync<ApprovalDiff>($"/api/approvals/{id}/diff", WireJson.Options, Token);
        Assert.Contains("+model: wörtlich", Assert.Single(diff!.Files).Patch, StringComparison.Ordinal);

        var shown = await Config(http);
        Assert.Equal(
            ("coder", before[..12], coder.AgentYaml()),
            (
                shown.GetProperty("agent").GetString(),
                shown.GetProperty("deployed").GetProperty("sha").GetString(),
                shown.GetProperty("deployed").GetProperty("yaml").GetString()
            )
        );
        Assert.Equal(
            (asked.FetchedSha![..12], "model: wörtlich\nlimits: { memory: 1 GB }\n", id),
            (
                shown.GetProperty("proposed").GetProperty("sha").GetString(),
                shown.GetProperty("proposed").GetProperty("yaml").GetString(),
                shown.GetProperty("proposed").GetProperty("approval_id").GetInt64()
            )
        );
        Assert.Contains("\n+model: wörtlich\n", shown.GetProperty("diff").GetString(), StringComparison.Ordinal);

        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
        Assert.Equal("model: wörtlich\nlimits: { memory: 1 GB }\n", coder.AgentYaml());
        coder.MustBeClean();
        shown = await Config(http);
        Assert.False(shown.TryGetProperty("proposed", out _));
        Assert.Equal(asked.FetchedSha[..12], shown.GetProperty("deployed").GetProperty("sha").GetString());
        Assert.Equal(
            ["approval_added pending", "approval_changed building", "approval_resolved approved"],
            (await hive.ApprovalEvents(cursor)).Select(e => $"{e.Kind} {e.Approval.Status}")
        );
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_used_is_refused_and_nothing_is_written()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var (http, host, coder) = (hive.Http(), await hive.Operator(), Proposing.Of(hive, "coder"));
        var before = Objects();

        await Refused(
            "model: a\ncolour: blue\n",
            HttpStatusCode.BadRequest,
            "agent.yaml, line 2, column 1: unknown key"
        );
        await Refused("model: [a\n", HttpStatusCode.BadRequest, "agent.yaml, line ");
        await Refused("role: role.md\n", HttpStatusCode.BadRequest, "'role.md' not found beside agent.yaml");
        await Refused("#" + new string('x', 65 * 1024), HttpStatusCode.RequestEntityTooLarge, "65536");
        await Refused(coder.AgentYaml(), HttpStatusCode.Conflict, "already");
        await Refused("model: a\n", HttpStatusCode.NotFound, "not found", "nobody");
        await Refused("model: a\n", HttpStatusCode.RequestEntityTooLarge, "4096", description: new string('x', 4097));

        Assert.Empty((await host.CallAsync("pending", new { all = true }, Token)).Approvals());
        Assert.Equal(before, Objects());

        async Task Refused(
            string yaml,
            HttpStatusCode status,
            string why,
            string agent = "coder",
            string? description = null
        )
        {
            using var answer = await http.PostAsJsonAsync(
                $"/api/agents/{agent}/propose",
                new { yaml, description },
                Token
            );
            var text = await answer.Content.ReadAsStringAsync(Token);
            Assert.True(answer.StatusCode == status, text);
            Assert.Contains(why, JsonElement.Parse(text).GetProperty("title").GetString(), StringComparison.Ordinal);
        }

        string[] Objects() =>
            [
                .. Directory
                    .EnumerateFiles(Path.Combine(coder.Applied, ".git"), "*", SearchOption.AllDirectories)
                    .Order(StringComparer.Ordinal),
            ];
    }

    [Fact]
    public async Task A_proposal_overtaken_by_another_deploy_is_proposed_again_on_top_of_it()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var (http, host, coder) = (hive.Http(), await hive.Operator(), Proposing.Of(hive, "coder"));
        await Deployed(http, host, "# notes\nmodel: small\n\n\nlimits: { memory: 1 GB }\n", "a start");
        var first = await Id(Propose(http, "# notes\nmodel: large\n\n\nlimits: { memory: 1 GB }\n", "a larger model"));
        await Deployed(http, host, "# notes\nmodel: small\n\n\nlimits: { memory: 2 GB }\n", "more memory");
        await Conflict(http, first, "is pending");

        await host.Approve(first);
        var end = await host.End(first);
        Assert.Equal(
            (
                "failed",
                $"{coder.Main()[..12]} was deployed for coder after this was proposed (“more memory”), and this "
                    + "would undo it; propose it again: the same change is made on top of that"
            ),
            (end.Status, end.Note)
        );

        var again = await Again(http, first);
        await Conflict(http, first, $"approval {again.GetProperty("approval_id")} was asked for after");
        var asked = Assert.Single((await host.CallAsync("pending", null, Token)).Approvals());
        Assert.Equal(
            (again.GetProperty("approval_id").GetInt64(), "operator", "a larger model"),
            (asked.Id, asked.Requester, asked.Description)
        );
        await host.Approve(asked.Id);
        Assert.Equal("approved", (await host.End(asked.Id)).Status);
        Assert.Equal("# notes\nmodel: large\n\n\nlimits: { memory: 2 GB }\n", coder.AgentYaml());
        coder.MustBeClean();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(coder.Applied, ".git"), "*.draft-*"));
        await Conflict(http, first, "is the configuration of coder already");
    }

    [Fact]
    public async Task A_proposal_whose_lines_were_changed_since_is_not_proposed_again()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("coder");
        var (http, host) = (hive.Http(), await hive.Operator());
        var first = await Id(Propose(http, "model: large\n", "a larger model"));
        await Deployed(http, host, "model: small\n", "a smaller one");
        await host.Approve(first);
        Assert.Equal("failed", (await host.End(first)).Status);
        await Conflict(http, first, "changed the same lines: change the file under /agents/coder/config");
        Assert.Empty((await host.CallAsync("pending", null, Token)).Approvals());
        // One of the manager is the manager's to rebase.
        var manager = await hive.Connect("manager");
        var his = await manager.RequestApplyCommit(
            "coder",
            Proposing.Of(hive, "coder").Rebased(("agent.yaml", "model: his\n"))
        );
        await Deployed(http, host, "model: tiny\n", "a tiny one");
        await host.Approve(his);
        Assert.Contains("git rebase applied/main", (await host.End(his)).Note, StringComparison.Ordinal);
        await Conflict(http, his, "only the operator's own change");
    }

    private static async Task Deployed(HttpClient http, LineClient host, string yaml, string description)
    {
        var id = await Id(Propose(http, yaml, description));
        await host.Approve(id);
        Assert.Equal("approved", (await host.End(id)).Status);
    }

    private static async Task<long> Id(Task<JsonElement> told) => (await told).GetProperty("approval_id").GetInt64();

    private static async Task<JsonElement> Again(HttpClient http, long id)
    {
        using var answer = await http.PostAsync($"/api/approvals/{id}/propose-again", null, Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    private static async Task Conflict(HttpClient http, long id, string why)
    {
        using var answer = await http.PostAsync($"/api/approvals/{id}/propose-again", null, Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.StatusCode == HttpStatusCode.Conflict, text);
        Assert.Contains(why, JsonElement.Parse(text).GetProperty("title").GetString(), StringComparison.Ordinal);
    }

    private static Task<JsonElement> Config(HttpClient http) =>
        http.GetFromJsonAsync<JsonElement>("/api/agent-config/coder", Token);

    private static async Task<JsonElement> Propose(HttpClient http, string yaml, string description)
    {
        using var answer = await http.PostAsJsonAsync("/api/agents/coder/propose", new { yaml, description }, Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}
