    mnistnet_number h{{layer}}[{{units}}];
    for (i = 0; i < {{units}}; i++) {
        mnistnet_sum sum = 0;
        for (j = 0; j < {{inputs}}; j++)
            sum += mnistnet_w{{layer}}[i * {{inputs}} + j] * h{{below}}[j];
        h{{layer}}[i] = mnistnet_tanh(sum, mnistnet_scale{{layer}}[i]);
    }
