using Hive.Agent.Login;

namespace Hive.Agent.Tests;

public sealed class SecretsTests
{
    private readonly Secrets secrets = new();

    public SecretsTests() => secrets.Add("aBc-123_xyz#state-of-it");

    [Theory]
    [InlineData("code: aBc-123_xyz#state-of-it!", "code: …!")]
    [InlineData("aBc-123_xyz#state-of-it", "…")]
    [InlineData("p aBc-123_\r\n  xyz#state-of-it", "p …")]
    [InlineData("│ aBc-123_xyz# │\n│ state-of-it  │", "│ …  │")]
    [InlineData("aBc-123_ aBc-123_x aBc-123_xyz#", "… … …")]
    [InlineData("… xyz#state-of-it", "… …")]
    [InlineData("aBc-123 and nothing else", "aBc-123 and nothing else")]
    public void A_typed_secret_is_hidden_even_when_only_a_part_appears(string output, string shown) =>
        Assert.Equal(shown, secrets.Hide(output));

    [Fact]
    public void A_text_too_short_for_a_secret_hides_nothing()
    {
        secrets.Add("yes");
        Assert.Equal("yes or no", secrets.Hide("yes or no"));
    }
}
